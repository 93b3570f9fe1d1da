"""The stage ``fit``: the data mechanisms, then a generator fitted for each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.components.checks import check_equal_sizes, checked_data
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.errors import Incompatible, PrivbenchError
from privbench.generators.base import Generator
from privbench.generators.checks import check_fitted, checked_state
from privbench.stages.base import Context, Stage
from privbench.stages.parts import count_of_parts, models_of_part, parts_of
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from privbench.data import Data
    from privbench.generators.base import FittedSampler
    from privbench.membership import Setting


@dataclass(frozen=True, eq=False)
class FitStage(Stage):
    """A generator fitted for each model of the population, on what the data mechanisms leave."""

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

    def private_sets(self, setting: Setting, models: range | None = None) -> list[Data]:
        """Return the training sets of some models, or of all, after the data mechanisms."""
        return apply_data_mechanisms(self, setting, self.data_mechanisms, models)

    def n_parts(self, device: str) -> int:
        """Return the number of parts: of models that are fitted at once, or of one model each.

        A generator that cannot be stored has no parts.
        """
        generator = type(self.generator.component)
        if self._is_shared or generator.restore is Generator.restore:
            return 1
        at_once = generator.fit_population is not Generator.fit_population
        return count_of_parts(self.setting.n_models, device, at_once=at_once)

    def compute(self, context: Context) -> Artifact:
        """Compute the parts that are missing, and join all."""
        if self.n_parts(context.device) == 1:
            return self.compute_part(context, 0, 1)
        arrays: dict[str, NDArray[Any]] = {}
        for part in parts_of(self, context):
            arrays |= part.arrays
        return Artifact(arrays)

    def compute_part(self, context: Context, number: int, count: int) -> Artifact:
        """Fit the generators of some models; their arrays are named by the numbers of the models."""
        setting: Setting = context.get(self.setting).live
        models = range(1)
        sets, rngs = [setting.public], [self.rng("fit", "reference")]
        if not self._is_shared:
            models = models_of_part(len(setting.member), number, count)
            sets = self.private_sets(setting, models)
            rngs = [self.rng("fit", model) for model in models]
        with calling(self.generator):
            fitted = self.generator.component.fit_population(
                sets, rngs, context.device, context.progress
            )
        self._check(fitted, len(sets))
        states = []
        for generator in fitted:
            with calling(self.generator):
                state = generator.state()
            states.append(checked_state(state, self.generator.name))
        if None in states and count == 1:
            return Artifact(live=fitted)
        arrays: dict[str, NDArray[Any]] = {}
        for model, state in zip(models, states, strict=True):
            if state is None:
                raise PrivbenchError(
                    f"{self.generator.name}: state returned None, expected arrays: it has a method"
                    " `restore`, and so is fitted in parts, which are stored"
                )
            arrays |= {f"{model}.{name}": array for name, array in state.items()}
        return Artifact(arrays)

    def fitted(self, artifact: Artifact, setting: Setting) -> list[FittedSampler]:
        """Return the fitted generators, one per model, from this stage's artifact."""
        n_models = len(setting.member)
        generators = self._restored(artifact, 1 if self._is_shared else n_models, setting)
        return generators * n_models if self._is_shared else generators

    def published(self, artifact: Artifact, setting: Setting) -> list[FittedSampler]:
        """Return what an adversary has who is handed the generators: each as its state rebuilds it.

        Raises Incompatible if they have none: then what they hold beside it, such as the training set,
        would be handed over as well.
        """
        if artifact.live is not None:
            raise Incompatible(
                f"an attack on generators, and {self.generator.name} has no state to be published"
            )
        return self.fitted(artifact, setting)

    @property
    def _is_shared(self) -> bool:
        """Whether one generator serves all models, since it saw none of their records."""
        return bool(self.generator.component.fitted_on == "reference")

    def _restored(self, artifact: Artifact, n: int, setting: Setting) -> list[FittedSampler]:
        if artifact.live is not None:
            return list(artifact.live)
        states: list[dict[str, Any]] = [{} for _ in range(n)]
        for name, array in artifact.arrays.items():
            model, _, key = name.partition(".")
            states[int(model)][key] = array
        with calling(self.generator):
            restore = self.generator.component.restore
            restored = [restore(state, setting.pool.spec) for state in states]
        self._check(restored, n)
        return restored

    def _check(self, fitted: Any, n: int) -> None:
        encodes = self.generator.component.release == "reconstruct"
        check_fitted(fitted, n, self.generator.name, encodes=encodes)


def apply_data_mechanisms(
    stage: Stage, setting: Setting, mechanisms: Sequence[Bound], models: range | None = None
) -> list[Data]:
    """Return the training sets of some models, or of all, after the mechanisms.

    Their draws are named by ``stage`` and the number of the model.

    A mechanism that reads no private record is handed an empty set, so that neither the records nor
    their number can reach what it returns.
    """
    models = range(len(setting.member)) if models is None else models
    sets = [setting.train_set(model) for model in models]
    for position, bound in enumerate(mechanisms):
        public = own_arrays(setting.public) if bound.entry.third_party else setting.public
        if not bound.component.reads_private:
            sets = [data.first(0) for data in sets]
        altered = []
        for model, data in zip(models, sets, strict=True):
            rng = stage.rng("data", position, model)
            with calling(bound):
                returned = bound.component.apply_with_reference(data, public, rng)
            altered.append(checked_data(returned, data, f"{bound.name}: apply returned"))
        check_equal_sizes(altered, bound.name)
        sets = altered
    return sets
