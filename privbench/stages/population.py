"""The stage ``population``: all models of one (dataset, defense, target model, seed).

Torch models are stored as weights. Models of another kind cannot be stored in general. What is stored
are their outputs on pool, reference and test records, those of each model as soon as it is fitted.
So a run that is killed goes on with the models that are done, and a model is fitted again only if an
attack of a later run queries it on other records.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.components.checks import MEASURED_FACTS
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.errors import ComponentError, PrivbenchError
from privbench.models.trained import FittedEstimator, TrainedModel, load_models
from privbench.seeds import seed_of
from privbench.stages.base import Context, Stage
from privbench.stages.parts import count_of_parts, models_of_part, parts_of
from privbench.stages.release import ReleaseStage
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.data import Data
    from privbench.engine import Population, TrainingSets
    from privbench.membership import Setting
    from privbench.storage.scratch import Empty

log = logging.getLogger(__name__)

N_QUERIED_TWICE = 32
"""Number of records that one model is queried for twice, to see whether outputs are random."""
MIN_CHANGE = 1e-6
"""Difference of two probabilities that is no rounding error of float32."""


@dataclass(frozen=True, eq=False)
class PopulationStage(Stage):
    """A population, trained on the release, or on the private records if there is none.

    Its arrays are the weights of torch models. Those of estimators are log-probabilities (models,
    records, classes) on the records ``pool``, ``reference`` and ``test``, and the fact ``random`` is the
    share of records whose outputs change when they are queried again.
    """

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

    def n_parts(self, device: str) -> int:
        """Return the number of parts, which have one model each if they are estimators."""
        at_once = not self.is_of_estimators
        return count_of_parts(self.setting.n_models, device, at_once=at_once)

    def _models_of(self, number: int, count: int) -> range:
        return models_of_part(self.setting.n_models, number, count)

    def compute(self, context: Context) -> Artifact:
        """Compute the parts that are missing, and join all."""
        count = self.n_parts(context.device)
        sizes = [len(self._models_of(number, count)) for number in range(count)]
        joined = _joined(parts_of(self, context), sizes, context.empty)
        for name, value in joined.info.items():
            log.debug("%s: %s = %.3f", self.title, name, value)
        return self.loaded(joined, context)

    def compute_part(self, context: Context, number: int, count: int) -> Artifact:
        """Train some of the models, or fit one estimator and ask it for its outputs."""
        setting: Setting = context.get(self.setting).live
        if self.is_of_estimators:
            model = self._estimators(context)[number]
            return Artifact(*_outputs(model, setting, check=number == 0))
        released = None if self.release is None else context.get(self.release).live
        models = self._models_of(number, count)
        try:
            population = self._train(context, setting, released, models)
        except ComponentError as error:
            if count == 1 or not isinstance(error.__cause__, FloatingPointError):
                raise
            where = f"(numbers of models are counted from {models.start})"
            raise ComponentError(f"{error} {where}") from error.__cause__
        facts = {
            name: float(values[0] if (values == values[0]).all() else values.mean())
            for name, values in population.facts.items()
        }
        return Artifact(population.state(), facts)

    def loaded(self, artifact: Artifact, context: Context) -> Artifact:
        """Return the artifact with estimators that are fitted again when they are asked."""
        if not self.is_of_estimators:
            return artifact
        return replace(artifact, live=self._estimators(context))

    @property
    def is_of_estimators(self) -> bool:
        """Whether its models are no torch modules."""
        from privbench.models.base import EstimatorModel

        return isinstance(self.model.component, EstimatorModel)

    def models(self, context: Context) -> list[TrainedModel]:
        """Return the trained models."""
        population = context.get(self)
        if self.is_of_estimators:
            return list(population.live)
        setting: Setting = context.get(self.setting).live
        return load_models(population, self.model, setting.pool.spec)

    def _train(
        self, context: Context, setting: Setting, released: list[Data] | None, models: range
    ) -> Population:
        from privbench.components.model_checks import check_build, check_population
        from privbench.engine import train_population
        from privbench.mechanisms.base import TrainingTask

        model = self.model.component
        task = TrainingTask(
            model=model,
            spec=setting.pool.spec,
            sets=_training_sets(setting, released, models, copied=self._has_third_party_mechanism),
            reference=(
                own_arrays(setting.public) if self._has_third_party_mechanism else setting.public
            ),
            seeds=[seed_of(self.names, "train", i) for i in models],
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

    def _estimators(self, context: Context) -> list[FittedEstimator]:
        """Return the models, each of which is fitted when it is asked for the first time."""
        if self.key not in context.live:
            context.live[self.key] = self._unfitted(context)
        models: list[FittedEstimator] = context.live[self.key]
        return models

    def _unfitted(self, context: Context) -> list[FittedEstimator]:
        @cache
        def released() -> list[Data]:
            assert self.release is not None
            sets: list[Data] = context.get(self.release).live
            return sets

        def fit(model: int) -> Callable[[], Any]:
            def call() -> Any:
                setting: Setting = context.get(self.setting).live
                data = setting.train_set(model)
                if self.release is not None:
                    data = released()[model].copy()
                rng = self.rng("train", model)
                return self.model.component.fit_data(data, rng)

            return call

        n_classes = context.data(self.setting.dataset).spec.n_classes
        return [
            FittedEstimator(fit(model), self.model, n_classes)
            for model in range(self.setting.n_models)
        ]

    @property
    def _has_third_party_mechanism(self) -> bool:
        return any(bound.entry.third_party for bound in self.training_mechanisms)


RECORDS = ("pool", "reference", "test")
"""The records on which every model is queried."""


def _outputs(
    model: TrainedModel, setting: Setting, *, check: bool
) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
    """Return a model's log-probabilities (1, records, classes).

    With ``check`` there is the fact whether they are random."""
    outputs = {name: model.log_probs(getattr(setting, name).x)[None] for name in RECORDS}
    if not check:
        return outputs, {}
    again = model.log_probs(setting.pool.x[:N_QUERIED_TWICE])
    return outputs, {"random": share_changed(outputs["pool"][0, :N_QUERIED_TWICE], again)}


def share_changed(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the share of records whose log-probabilities (records, classes) differ in two queries."""
    import numpy as np

    changed = np.abs(np.exp(first) - np.exp(second)).max(axis=1) > MIN_CHANGE
    return float(changed.mean())


def _joined(parts: Iterable[Artifact], sizes: Sequence[int], empty: Empty) -> Artifact:
    """Return the artifact of all models; what the harness measured of parts is averaged over them.

    One part after another is in memory. Raises PrivbenchError if what a training loop reported differs
    between parts: a guarantee that is made of it must hold for all models.
    """
    arrays: dict[str, NDArray[Any]] = {}
    known: dict[str, list[tuple[float, int]]] = {}
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        for name, array in part.arrays.items():
            if len(sizes) == 1:
                arrays[name] = array
                continue
            if name not in arrays:
                arrays[name] = empty((sum(sizes), *array.shape[1:]), array.dtype)
            arrays[name][start : start + size] = array
        for name, value in part.info.items():
            known.setdefault(name, []).append((value, size))
        start += size
    facts = {}
    for name, of in known.items():
        values = sorted(value for value, _ in of)
        if values[0] == values[-1]:  # not a mean, which may be rounded: an epsilon stays what it is
            facts[name] = values[0]
        elif name in MEASURED_FACTS:
            facts[name] = sum(value * size for value, size in of) / sum(size for _, size in of)
        else:
            raise PrivbenchError(
                f"training returned {name} from {values[0]:.6g} to {values[-1]:.6g}, expected the same"
                " for all models"
            )
    return Artifact(arrays, facts)


def _training_sets(
    setting: Setting, released: list[Data] | None, models: range, *, copied: bool
) -> TrainingSets:
    """Return the training sets of some models.

    With ``copied`` they are in tensors that share no memory with the pool. Torch has no read-only
    tensors, and a copy of the pool costs little beside training on it.
    """
    import numpy as np

    from privbench.engine import TrainingSets

    if released is None:
        pool = setting.pool.copy() if copied else setting.pool
        index = setting.train_indices()[models.start : models.stop]
        return TrainingSets.shared(pool.x, pool.y, index)
    chosen = [released[model] for model in models]
    return TrainingSets.own(
        np.stack([data.x for data in chosen]), np.stack([data.y for data in chosen])
    )
