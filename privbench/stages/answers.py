"""From a trained population to what it answers, and how useful the answers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.blame import calling
from privbench.components import Bound
from privbench.config import Defense
from privbench.errors import PrivbenchError
from privbench.stages.base import Context, Stage
from privbench.stages.checks import checked_probabilities, shown
from privbench.stages.models import TrainedModel, load_models, to_log_probs
from privbench.stages.training import PopulationStage, SettingStage
from privbench.store import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.mechanisms.base import GuaranteeContext
    from privbench.privacy import Guarantee
    from privbench.settings import Setting


@dataclass(frozen=True, eq=False)
class OutputsStage(Stage):
    """Log-probabilities (models, records, classes) on the pool, reference and test records."""

    kind = "outputs"
    weight = 2.0

    title: str
    seed: int
    setting: SettingStage
    population: PopulationStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.population)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.population.model,)

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.setting).live
        records = {"pool": setting.pool, "reference": setting.reference, "test": setting.test}
        models = self.models(context)
        answers = {n: [one.log_probs(data.x) for one in models] for n, data in records.items()}
        return Artifact({name: _stack(found) for name, found in answers.items()})

    def models(self, context: Context) -> list[TrainedModel]:
        """The trained models, to put other questions to."""
        setting: Setting = context.get(self.setting).live
        return load_models(context.get(self.population), self.population.model, setting.pool.spec)


@dataclass(frozen=True, eq=False)
class ObservationsStage(Stage):
    """The outputs after the output mechanisms; every record is one query of each model."""

    kind = "observations"

    title: str
    seed: int
    outputs: OutputsStage
    mechanisms: tuple[Bound, ...]

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.outputs,)

    @property
    def components(self) -> tuple[Bound, ...]:
        return self.mechanisms

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        outputs = context.get(self.outputs).arrays
        floor = self.floor()
        arrays = {}
        for name, log_probs in outputs.items():
            answers = [self.answer(one, floor, name, model) for model, one in enumerate(log_probs)]
            arrays[name] = np.stack(answers)
        return Artifact(arrays)

    def floor(self) -> float:
        """Probabilities below this say nothing more."""
        with calling(*self.mechanisms):
            return max(float(bound.component.resolution()) for bound in self.mechanisms)

    def answer(
        self, log_probs: NDArray[np.float32], floor: float, *query: Any
    ) -> NDArray[np.float32]:
        """What is answered instead of one model's log-probabilities (n, classes).

        ``query`` names the draw of random mechanisms: another one is another query.
        """
        import numpy as np

        probabilities = np.exp(log_probs.astype(np.float64))
        for position, bound in enumerate(self.mechanisms):
            rng = self.rng(query[0], position, *query[1:])
            with calling(bound):
                found = bound.component.apply(probabilities, rng)
            shape, what = probabilities.shape, f"{bound.name}: apply returned"
            probabilities = checked_probabilities(found, shape, what)
        return to_log_probs(probabilities, floor)


@dataclass(frozen=True, eq=False)
class UtilityStage(Stage):
    """Accuracies of the clean population, and what the defense claims."""

    kind = "utility"

    title: str
    seed: int
    setting: SettingStage
    observations: OutputsStage | ObservationsStage
    defense: Defense
    model: Bound

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.observations)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (*self.defense.mechanisms, self.model)

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.setting).live
        arrays = context.get(self.observations).arrays
        right_pool = arrays["pool"].argmax(-1) == setting.pool.y
        right_test = arrays["test"].argmax(-1) == setting.test.y
        guarantee, reason = self._guarantee(setting)
        return Artifact(
            info={
                "test_accuracy": float(right_test.mean()),
                "train_accuracy": float(right_pool[setting.member].mean()),
                "guarantee": guarantee,
                "guarantee_reason": reason,
            }
        )

    def _guarantee(self, setting: Setting) -> tuple[dict[str, Any] | None, str]:
        from privbench.mechanisms.base import GuaranteeContext
        from privbench.privacy import compose

        context = GuaranteeContext(
            spec=setting.pool.spec,
            n_train=len(setting.pool) // 2,
            model=self.model.component,
            generator_fitted_on="none" if self.defense.generator is None else "private",
        )
        stated = [(b.name, _stated(b, context)) for b in self.defense.mechanisms]
        guarantee, reason = compose([(name, one) for name, one in stated if one is not None])
        return None if guarantee is None else guarantee.to_json(), reason


def _stack(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    import numpy as np

    return np.stack(arrays)


def _stated(bound: Bound, context: GuaranteeContext) -> Guarantee | None:
    from privbench.privacy import Guarantee

    with calling(bound):
        found = bound.component.guarantee(context)
    if found is None or isinstance(found, Guarantee):
        return found
    raise PrivbenchError(
        f"{bound.name}: guarantee returned {shown(found)}, expected privbench.Guarantee or None"
    )
