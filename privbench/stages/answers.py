"""From a trained population to what it answers, and how useful the answers are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.components.checks import checked_probabilities
from privbench.components.faults import calling
from privbench.config import Defense
from privbench.stages.base import Context, Stage
from privbench.stages.claims import ALL, claim_of_pipeline
from privbench.stages.models import TrainedModel, load_models, to_log_probs
from privbench.stages.training import PopulationStage, SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.mechanisms.base import ActsOn, OutputContext, OutputTransform
    from privbench.membership import Setting
    from privbench.privacy import Guarantee
    from privbench.stages.releasing import FidelityStage


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
class DefendedOutputsStage(Stage):
    """The outputs after the output mechanisms; every record is one query of each model."""

    kind = "observations"

    title: str
    seed: int
    outputs: OutputsStage
    mechanisms: tuple[Bound, ...]

    @property
    def inputs(self) -> tuple[Stage, ...]:
        if not self._fitted:
            return (self.outputs,)
        return (self.outputs, self.outputs.setting, self.outputs.population)

    @property
    def components(self) -> tuple[Bound, ...]:
        return self.mechanisms

    @property
    def _fitted(self) -> bool:
        """Whether some mechanism must see the models."""
        return any(bound.component.fitted for bound in self.mechanisms)

    def compute(self, context: Context) -> Artifact:
        outputs = context.get(self.outputs).arrays
        floor, n_models = self.floor(), len(outputs["pool"])
        answers: dict[str, list[NDArray[np.float32]]] = {name: [] for name in outputs}
        for model, answerers in enumerate(self.answerers(context)):
            for name, log_probs in outputs.items():
                answers[name].append(self.answer(log_probs[model], answerers, floor, name, model))
            context.progress(model + 1, n_models)
        return Artifact({name: _stack(found) for name, found in answers.items()})

    def answerers(self, context: Context) -> Iterator[list[OutputTransform]]:
        """For one model after another what answers instead, one function for each mechanism."""
        if not self._fitted:
            for _ in context.get(self.outputs).arrays["pool"]:
                yield [bound.component.apply for bound in self.mechanisms]
            return
        for model, known in enumerate(self._known(context)):
            answerers: list[OutputTransform] = []
            for position, bound in enumerate(self.mechanisms):
                with calling(bound):
                    answerers.append(bound.component.fit(known, self.rng("fit", position, model)))
            yield answerers

    def _known(self, context: Context) -> Iterator[OutputContext]:
        """What the owners know of their models."""
        import numpy as np

        from privbench.mechanisms.base import OutputContext

        setting: Setting = context.get(self.outputs.setting).live
        outputs = context.get(self.outputs).arrays

        def answers_of(model: TrainedModel) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
            return lambda x: np.exp(model.log_probs(x).astype(np.float64))

        for i, model in enumerate(self.outputs.models(context)):
            member = setting.member[i]
            yield OutputContext(
                spec=setting.pool.spec,
                members=np.exp(outputs["pool"][i, member].astype(np.float64)),
                member_labels=setting.pool.y[member],
                reference=np.exp(outputs["reference"][i].astype(np.float64)),
                reference_labels=setting.reference.y,
                query=answers_of(model),
            )

    def floor(self) -> float:
        """Probabilities below this say nothing more."""
        with calling(*self.mechanisms):
            return max(float(bound.component.resolution()) for bound in self.mechanisms)

    def answer(
        self,
        log_probs: NDArray[np.float32],
        answerers: Sequence[OutputTransform],
        floor: float,
        *query: Any,
    ) -> NDArray[np.float32]:
        """What is answered instead of one model's log-probabilities (n, classes).

        ``answerers`` are those of this model; ``query`` names the draw of random mechanisms:
        another one is another query.
        """
        import numpy as np

        probabilities = np.exp(log_probs.astype(np.float64))
        for position, (bound, answerer) in enumerate(zip(self.mechanisms, answerers, strict=True)):
            rng = self.rng(query[0], position, *query[1:])
            with calling(bound):
                found = answerer(probabilities, rng)
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
    observations: OutputsStage | DefendedOutputsStage
    defense: Defense
    model: Bound
    fidelity: FidelityStage | None
    """Of the data that the defense releases, if it does."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        own = (self.setting, self.observations)
        return own if self.fidelity is None else (*own, self.fidelity)

    @property
    def components(self) -> tuple[Bound, ...]:
        generator = () if self.defense.generator is None else (self.defense.generator,)
        return (*generator, *self.defense.mechanisms, self.model)

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.setting).live
        arrays = context.get(self.observations).arrays
        right_pool = arrays["pool"].argmax(-1) == setting.pool.y
        right_test = arrays["test"].argmax(-1) == setting.test.y
        guarantee, reason = self.claim(setting)
        fidelity = {} if self.fidelity is None else dict(context.get(self.fidelity).info)
        return Artifact(
            info=fidelity
            | {
                "test_accuracy": float(right_test.mean()),
                "train_accuracy": float(right_pool[setting.member].mean()),
                "guarantee": None if guarantee is None else guarantee.to_json(),
                "guarantee_reason": reason,
            }
        )

    def claim(
        self, setting: Setting, steps: Collection[ActsOn] = ALL
    ) -> tuple[Guarantee | None, str]:
        """What the defense claims, or its mechanisms at ``steps``; and why it claims nothing."""
        pool, model = setting.pool, self.model.component
        return claim_of_pipeline(self.defense, pool.spec, len(pool) // 2, model, steps)


def _stack(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    import numpy as np

    return np.stack(arrays)
