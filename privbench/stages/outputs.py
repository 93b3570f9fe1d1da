"""The stages ``outputs``: what trained models predict, before and after the output mechanisms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.components.checks import (
    checked_method,
    checked_probabilities,
    checked_resolution,
)
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.models.trained import TrainedModel, to_log_probs
from privbench.stages.base import Context, Stage
from privbench.stages.population import N_QUERIED_TWICE, RECORDS, PopulationStage, share_changed
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.mechanisms.base import OutputContext, OutputTransform
    from privbench.membership import Setting
    from privbench.storage.scratch import Empty


@dataclass(frozen=True, eq=False)
class OutputsStage(Stage):
    """Bare log-probabilities (models, records, classes) on the pool, reference and test records."""

    kind = "outputs"
    weight = 2.0

    title: str
    seed: int
    setting: SettingStage
    population: PopulationStage

    @property
    def stored(self) -> bool:
        return not self.population.is_of_estimators  # which are asked when they are fitted

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.population)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.population.model,)

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.setting).live
        population = context.get(self.population)
        if not self.stored:
            return Artifact(population.arrays, population.info)
        models = self.population.models(context)
        outputs = {
            name: _stacked(
                (model.log_probs(getattr(setting, name).x) for model in models),
                len(models),
                context.empty,
            )
            for name in RECORDS
        }
        return Artifact(outputs, population.info)


@dataclass(frozen=True, eq=False)
class DefendedOutputsStage(Stage):
    """The outputs after the output mechanisms; every record is one query of each model."""

    kind = "defended-outputs"
    seed_kind = "observations"

    title: str
    seed: int
    bare: OutputsStage
    mechanisms: tuple[Bound, ...]

    @property
    def setting(self) -> SettingStage:
        """The setting of the population."""
        return self.bare.setting

    @property
    def population(self) -> PopulationStage:
        """The population whose outputs these are."""
        return self.bare.population

    @property
    def inputs(self) -> tuple[Stage, ...]:
        if not self._is_fitted:
            return (self.bare,)
        return (self.bare, self.setting, self.population)

    @property
    def components(self) -> tuple[Bound, ...]:
        return self.mechanisms

    @property
    def _is_fitted(self) -> bool:
        """Whether a mechanism has to be fitted to each model."""
        return any(bound.component.needs_fit for bound in self.mechanisms)

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        outputs = context.get(self.bare)
        bare = outputs.arrays
        floor, n_models = self.floor(), len(bare["pool"])
        defended = {name: context.empty(array.shape, np.float32) for name, array in bare.items()}
        random = 0.0
        for model, transforms in enumerate(self.transforms(context)):
            for name, log_probs in bare.items():
                defended[name][model] = self.transform(
                    log_probs[model], transforms, floor, name, model
                )
            if model == 0:
                random = self.random_share(bare["reference"][0], transforms, floor)
            context.progress(model + 1, n_models)
        random = max(random, outputs.info.get("random", 0.0))
        return Artifact(defended, {**outputs.info, "random": random})

    def random_share(
        self,
        log_probs: NDArray[np.float32],
        transforms: Sequence[OutputTransform],
        floor: float,
    ) -> float:
        """Return the share of records (n, classes) whose outputs change when they are queried again.

        At most ``N_QUERIED_TWICE`` records are tried.
        """
        tried = log_probs[:N_QUERIED_TWICE]
        if not len(tried):
            return 0.0
        first, second = (
            self.transform(tried, transforms, floor, "random", draw) for draw in range(2)
        )
        return share_changed(first, second)

    def transforms(self, context: Context) -> Iterator[list[OutputTransform]]:
        """Yield, for one model after another, the transform of each mechanism."""
        if not self._is_fitted:
            for _ in context.get(self.bare).arrays["pool"]:
                yield [bound.component.apply for bound in self.mechanisms]
            return
        for model, known in enumerate(self._output_contexts(context)):
            transforms: list[OutputTransform] = []
            for position, bound in enumerate(self.mechanisms):
                with calling(bound):
                    transform = bound.component.fit(known, self.rng("fit", position, model))
                transforms.append(checked_method(transform, "", f"{bound.name}: fit returned"))
            yield transforms

    def floor(self) -> float:
        """Return the probability below which defended outputs carry no information."""
        resolutions = []
        for bound in self.mechanisms:
            with calling(bound):
                resolution = bound.component.resolution()
            resolutions.append(checked_resolution(resolution, bound.name))
        return max(resolutions)

    def keeps_classes(self) -> bool:
        """Return whether no mechanism changes which class is most probable."""
        return all(bound.component.keeps_classes for bound in self.mechanisms)

    def transform(
        self,
        log_probs: NDArray[np.float32],
        transforms: Sequence[OutputTransform],
        floor: float,
        *query: Any,
    ) -> NDArray[np.float32]:
        """Return one model's defended outputs (n, classes), given its bare outputs.

        ``transforms`` are those of this model; ``query`` names the draw of random mechanisms, so that
        another name is another query.
        """
        import numpy as np

        probabilities = np.exp(log_probs.astype(np.float64))
        for position, (bound, apply) in enumerate(zip(self.mechanisms, transforms, strict=True)):
            rng = self.rng(query[0], position, *query[1:])
            with calling(bound):
                transformed = apply(probabilities, rng)
            shape, what = probabilities.shape, f"{bound.name}: apply returned"
            probabilities = checked_probabilities(transformed, shape, what)
        return to_log_probs(probabilities, floor)

    def _output_contexts(self, context: Context) -> Iterator[OutputContext]:
        """Yield, for one model after another, what output mechanisms are fitted to."""
        import numpy as np

        from privbench.mechanisms.base import OutputContext

        setting: Setting = context.get(self.setting).live
        bare = context.get(self.bare).arrays
        n_public = len(setting.public)

        def query_of(model: TrainedModel) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
            return lambda x: np.exp(model.log_probs(x).astype(np.float64))

        for i, model in enumerate(self.population.models(context)):
            member = setting.member[i]
            yield OutputContext(
                spec=setting.pool.spec,
                member_outputs=np.exp(bare["pool"][i, member].astype(np.float64)),
                member_labels=setting.pool.y[member],
                reference_outputs=np.exp(bare["reference"][i, :n_public].astype(np.float64)),
                reference_labels=own_arrays(setting.public.y),
                query=query_of(model),
            )


def _stacked(
    arrays: Iterable[NDArray[np.float32]], count: int, empty: Empty
) -> NDArray[np.float32]:
    """Return the arrays of all models as one, without a copy of all of them beside it."""
    stacked: NDArray[np.float32] | None = None
    for position, array in enumerate(arrays):
        if stacked is None:
            stacked = empty((count, *array.shape), array.dtype)
        stacked[position] = array
    assert stacked is not None  # there is no population without a model
    return stacked
