"""From a dataset to a trained population: settings, fitted generators, released training sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.components.checks import check_fitted, checked_array, checked_data
from privbench.components.faults import calling
from privbench.config import Defense
from privbench.seeds import seed_of
from privbench.stages.base import Context, Stage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.data import Data
    from privbench.engine import Population, TrainingSets
    from privbench.generators.base import FittedGenerator
    from privbench.membership import Setting, Subset


@dataclass(frozen=True, eq=False)
class SettingStage(Stage):
    """Split, canaries and membership: cheap, so it is drawn again rather than stored.

    It depends on the records and not on where they came from: a file that is moved keeps its results.
    """

    kind = "setting"
    stored = False

    title: str
    seed: int
    dataset: Bound
    fingerprint: str
    n_pool: int
    n_models: int
    subset: Subset = "records"
    canaries: float = 0.0
    clean: SettingStage | None = None
    """For the canary population: the setting whose pool it alters."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return () if self.clean is None else (self.clean,)

    def details(self) -> dict[str, Any]:
        return {
            "records": self.fingerprint,
            "n_pool": self.n_pool,
            "subset": self.subset,
            "canaries": self.canaries,
        }

    def versions(self) -> dict[str, Any]:
        return {"n_models": self.n_models}

    def compute(self, context: Context) -> Artifact:
        return Artifact(live=self.draw(context.data))

    def draw(self, data: Callable[[Bound], Data]) -> Setting:
        """The setting, from the datasets that ``data`` gives."""
        from privbench.membership import canary_setting, clean_setting

        if self.clean is not None:
            return canary_setting(self.clean.draw(data), self.canaries, self.names)
        return clean_setting(data(self.dataset), self.n_models, self.n_pool, self.names)


@dataclass(frozen=True, eq=False)
class FitStage(Stage):
    """Data mechanisms, then one generator fitted for each model of the population."""

    kind = "fit"
    weight = 20.0

    title: str
    seed: int
    setting: SettingStage
    generator: Bound
    data_mechanisms: tuple[Bound, ...]

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting,)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (*self.data_mechanisms, self.generator)

    def private_sets(self, setting: Setting) -> list[Data]:
        """The training set of each model after the data mechanisms."""
        return _private_sets(self, setting, self.data_mechanisms)

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.setting).live
        sets, rngs = [setting.reference], [self.rng("fit", "reference")]
        if not self._on_reference:
            sets = self.private_sets(setting)
            rngs = [self.rng("fit", model) for model in range(len(sets))]
        with calling(self.generator):
            fitted = self.generator.component.fit_population(
                sets, rngs, context.device, context.progress
            )
        check_fitted(fitted, len(sets), self.generator.name)
        with calling(self.generator):
            states = [one.state() for one in fitted]
        if any(state is None for state in states):
            return Artifact(live=fitted)
        return Artifact({f"{i}.{k}": v for i, state in enumerate(states) for k, v in state.items()})

    @property
    def _on_reference(self) -> bool:
        """Whether one generator serves all models, since it saw none of their records."""
        return bool(self.generator.component.fitted_on == "reference")

    def fitted(self, artifact: Artifact, setting: Setting) -> list[FittedGenerator]:
        """The fitted generators, one a model, from this stage's artifact."""
        n_models = len(setting.member)
        found = self._restored(artifact, 1 if self._on_reference else n_models, setting)
        return found * n_models if self._on_reference else found

    def _restored(self, artifact: Artifact, n: int, setting: Setting) -> list[FittedGenerator]:
        if artifact.live is not None:
            return list(artifact.live)
        states: list[dict[str, Any]] = [{} for _ in range(n)]
        for name, array in artifact.arrays.items():
            model, _, key = name.partition(".")
            states[int(model)][key] = array
        with calling(self.generator):
            restore = self.generator.component.restore
            return [restore(state, setting.pool.spec) for state in states]


@dataclass(frozen=True, eq=False)
class PopulationStage(Stage):
    """Release the training sets, and train the population on them."""

    kind = "population"
    weight = 20.0

    title: str
    seed: int
    setting: SettingStage
    model: Bound
    defense: Defense
    fit: FitStage | None

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting,) if self.fit is None else (self.setting, self.fit)

    @property
    def components(self) -> tuple[Bound, ...]:
        data = self.defense.at("data") if self.fit is None else ()  # else the fit stage has them
        return (*data, *self.defense.at("latent"), *self.defense.at("training"), self.model)

    def compute(self, context: Context) -> Artifact:
        from privbench.models.base import EstimatorModel

        setting: Setting = context.get(self.setting).live
        if isinstance(self.model.component, EstimatorModel):
            return Artifact(live=self._fit_estimators(context, setting))
        return Artifact(self._train(context, setting).state())

    def release(self, context: Context, setting: Setting) -> list[Data] | None:
        """The training sets that leave the pipeline; None if they are the private records."""
        if self.fit is None:
            if not self.defense.at("data"):
                return None
            return _private_sets(self, setting, self.defense.at("data"))
        private = self.fit.private_sets(setting)
        fitted = self.fit.fitted(context.get(self.fit), setting)
        make = self._synthetic
        if self.fit.generator.component.release == "sample":
            make = self._sampled
        return [
            make(self.fit.generator, model, data, one, setting)
            for model, (data, one) in enumerate(zip(private, fitted, strict=True))
        ]

    def _sampled(
        self, generator: Bound, model: int, data: Data, fitted: FittedGenerator, setting: Setting
    ) -> Data:
        """The training set of one model: as many new records, with labels of their own."""
        with calling(generator):
            found = fitted.sample(len(data), self.rng("sample", model))
        return checked_data(found, data, f"{generator.name}: sample returned")

    def _synthetic(
        self, generator: Bound, model: int, data: Data, fitted: FittedGenerator, setting: Setting
    ) -> Data:
        """The training set of one model: encoded, altered by the latent mechanisms, decoded."""
        from privbench.data import Data

        codes = _encoded(generator, fitted, data)
        latent = self.defense.at("latent")
        reference = _encoded(generator, fitted, setting.reference) if latent else codes
        for position, bound in enumerate(latent):
            rng = self.rng("latent", position, model)
            with calling(bound):
                found = bound.component.release(codes, reference, rng)
            what = f"{bound.name}: apply returned"
            codes = checked_array(found, codes.shape, what).astype("float32")
        with calling(generator):
            found = fitted.decode_labelled(codes, data.y)
        what = f"{generator.name}: decode returned"
        x = checked_array(found, data.x.shape, what).astype("float32")
        return Data(x, data.y, data.spec)

    def _train(self, context: Context, setting: Setting) -> Population:
        from privbench.engine import train_population
        from privbench.mechanisms.base import TrainingTask

        model = self.model.component
        task = TrainingTask(
            model=model,
            spec=setting.pool.spec,
            sets=self._training_sets(context, setting),
            reference=setting.reference,
            seeds=[seed_of(self.names, "train", i) for i in range(len(setting.member))],
            device=context.device,
            progress=context.progress,
        )
        for bound in self.defense.at("training"):
            with calling(bound, self.model):
                population: Population = bound.component.train_population(task)
            return population
        with calling(self.model):
            return train_population(
                task.build, task.sets, model.recipe(), task.seeds, augment=model.augmentation(),
                device=task.device, progress=task.progress,
            )  # fmt: skip

    def _training_sets(self, context: Context, setting: Setting) -> TrainingSets:
        import numpy as np

        from privbench.engine import TrainingSets

        released = self.release(context, setting)
        if released is None:
            return TrainingSets.shared(setting.pool.x, setting.pool.y, setting.train_index())
        return TrainingSets.own(
            np.stack([data.x for data in released]), np.stack([data.y for data in released])
        )

    def _fit_estimators(self, context: Context, setting: Setting) -> list[Any]:
        released = self.release(context, setting)
        fitted = []
        for model in range(len(setting.member)):
            data = setting.train_set(model) if released is None else released[model]
            rng = self.rng("train", model)
            with calling(self.model):
                fitted.append(self.model.component.fit(data.x, data.y, data.spec.n_classes, rng))
            context.progress(model + 1, len(setting.member))
        return fitted


def _encoded(generator: Bound, fitted: FittedGenerator, data: Data) -> NDArray[np.float32]:
    with calling(generator):
        found = fitted.encode(data)
    shape, what = (len(data), "latent_dim"), f"{generator.name}: encode returned"
    return checked_array(found, shape, what).astype("float32")


def _private_sets(stage: Stage, setting: Setting, mechanisms: Sequence[Bound]) -> list[Data]:
    sets = []
    for model in range(len(setting.member)):
        data = setting.train_set(model)
        for position, bound in enumerate(mechanisms):
            with calling(bound):
                found = bound.component.apply(data, stage.rng("data", position, model))
            data = checked_data(found, data, f"{bound.name}: apply returned")
        sets.append(data)
    return sets
