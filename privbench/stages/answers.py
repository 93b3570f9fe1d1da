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
from privbench.stages.checks import checked_array, checked_probabilities, shown
from privbench.stages.training import PopulationStage, SettingStage
from privbench.store import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.data import Data
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
        artifact = context.get(self.population)
        records = {"pool": setting.pool, "reference": setting.reference, "test": setting.test}
        model, spec = self.population.model, setting.pool.spec
        if artifact.live is not None:
            return Artifact({n: _ask(model, artifact.live, data) for n, data in records.items()})
        from privbench.engine import Population

        with calling(model):
            population = Population.from_state(
                lambda: model.component.build(spec.shape, spec.n_classes), artifact.arrays
            )
            logits = {name: population.predict(data.x) for name, data in records.items()}
        for name, data in records.items():
            shape = (len(population), len(data), spec.n_classes)
            checked_array(logits[name], shape, f"{model.name}: its module answered")
        return Artifact({name: _log_softmax(array) for name, array in logits.items()})


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
        with calling(*self.mechanisms):
            floor = max(bound.component.resolution() for bound in self.mechanisms)
        arrays = {}
        for name, log_probs in outputs.items():
            answers = [self._apply(name, model, one) for model, one in enumerate(log_probs)]
            arrays[name] = np.stack([to_log_probs(one, floor) for one in answers])
        return Artifact(arrays)

    def _apply(self, name: str, model: int, log_probs: NDArray[np.float32]) -> NDArray[np.float64]:
        """What one model answers, after each mechanism in turn."""
        import numpy as np

        probabilities = np.exp(log_probs.astype(np.float64))
        for position, bound in enumerate(self.mechanisms):
            rng = self.rng(name, position, model)
            with calling(bound):
                found = bound.component.apply(probabilities, rng)
            shape, what = probabilities.shape, f"{bound.name}: apply returned"
            probabilities = checked_probabilities(found, shape, what)
        return probabilities


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


def to_log_probs(probabilities: NDArray[np.floating], floor: float = 1e-12) -> NDArray[np.float32]:
    """Logarithms of probabilities, raised to ``floor`` where they are smaller, and normalised."""
    import numpy as np

    floored = np.maximum(np.asarray(probabilities, dtype=np.float64), floor)
    log_probs: NDArray[np.float32] = np.log(floored / floored.sum(axis=-1, keepdims=True)).astype(
        np.float32
    )
    return log_probs


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    log_probs: NDArray[np.float32] = torch.from_numpy(logits).log_softmax(-1).numpy()
    return log_probs


def _ask(model: Bound, estimators: Sequence[Any], data: Data) -> NDArray[np.float32]:
    import numpy as np

    shape, what = (len(data), data.spec.n_classes), f"{model.name}: predict_proba returned"
    answers = []
    for one in estimators:
        with calling(model):
            found = one.predict_proba(data.x)
        answers.append(to_log_probs(checked_probabilities(found, shape, what)))
    return np.stack(answers)


def _stated(bound: Bound, context: GuaranteeContext) -> Guarantee | None:
    from privbench.privacy import Guarantee

    with calling(bound):
        found = bound.component.guarantee(context)
    if found is None or isinstance(found, Guarantee):
        return found
    raise PrivbenchError(
        f"{bound.name}: guarantee returned {shown(found)}, expected privbench.Guarantee or None"
    )
