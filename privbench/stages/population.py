"""The stage ``population``: all models of one (dataset, defense, target model, seed)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.components.checks import checked_method
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.models.trained import TrainedModel, load_models
from privbench.seeds import seed_of
from privbench.stages.base import Context, Stage
from privbench.stages.release import ReleaseStage
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.data import Data
    from privbench.engine import Population, TrainingSets
    from privbench.membership import Setting


@dataclass(frozen=True, eq=False)
class PopulationStage(Stage):
    """A population, trained on the release, or on the private records if there is none."""

    kind = "population"
    weight = 20.0

    title: str
    seed: int
    setting: SettingStage
    model: Bound
    training_mechanisms: tuple[Bound, ...] = ()
    release: ReleaseStage | None = None

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting,) if self.release is None else (self.setting, self.release)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (*self.training_mechanisms, self.model)

    def compute(self, context: Context) -> Artifact:
        from privbench.models.base import EstimatorModel

        setting: Setting = context.get(self.setting).live
        released = None if self.release is None else context.get(self.release).live
        if isinstance(self.model.component, EstimatorModel):
            return Artifact(live=self._fit_estimators(context, setting, released))
        return Artifact(self._train(context, setting, released).state())

    def models(self, context: Context) -> list[TrainedModel]:
        """Return the trained models."""
        setting: Setting = context.get(self.setting).live
        return load_models(context.get(self), self.model, setting.pool.spec)

    def _train(self, context: Context, setting: Setting, released: list[Data] | None) -> Population:
        from privbench.components.model_checks import check_build, check_population
        from privbench.engine import train_population
        from privbench.mechanisms.base import TrainingTask

        model = self.model.component
        task = TrainingTask(
            model=model,
            spec=setting.pool.spec,
            sets=_training_sets(setting, released, copied=self._has_third_party_mechanism),
            reference=(
                own_arrays(setting.public) if self._has_third_party_mechanism else setting.public
            ),
            seeds=[seed_of(self.names, "train", i) for i in range(len(setting.member))],
            device=context.device,
            progress=context.progress,
        )
        if self.model.entry.third_party:  # privbench's own are held to this by its tests
            with calling(self.model):
                check_build(task.build, task.spec)
        for bound in self.training_mechanisms:  # one at most, see `resolve`
            with calling(bound, self.model):
                population: Population = bound.component.train_population(task)
                if bound.entry.third_party:
                    check_population(population, task.build, task.seeds)
            return population
        with calling(self.model):
            return train_population(
                task.build, task.sets, model.recipe(), task.seeds, augment=model.augmentation(),
                device=task.device, progress=task.progress,
            )  # fmt: skip

    def _fit_estimators(
        self, context: Context, setting: Setting, released: list[Data] | None
    ) -> list[Any]:
        fitted = []
        for model in range(len(setting.member)):
            data = setting.train_set(model) if released is None else released[model].copy()
            rng = self.rng("train", model)
            with calling(self.model):
                estimator = self.model.component.fit(data.x, data.y, data.spec.n_classes, rng)
            what = f"{self.model.name}: fit returned"
            fitted.append(checked_method(estimator, "predict_proba", what))
            context.progress(model + 1, len(setting.member))
        return fitted

    @property
    def _has_third_party_mechanism(self) -> bool:
        return any(bound.entry.third_party for bound in self.training_mechanisms)


def _training_sets(setting: Setting, released: list[Data] | None, *, copied: bool) -> TrainingSets:
    """Return the training sets; with ``copied``, in tensors that share no memory with the pool.

    Torch has no read-only tensors, and a copy of the pool costs little beside training on it.
    """
    import numpy as np

    from privbench.engine import TrainingSets

    if released is None:
        pool = setting.pool.copy() if copied else setting.pool
        return TrainingSets.shared(pool.x, pool.y, setting.train_indices())
    return TrainingSets.own(
        np.stack([data.x for data in released]), np.stack([data.y for data in released])
    )
