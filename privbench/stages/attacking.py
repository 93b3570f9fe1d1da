"""From answers to the numbers of a row: attack scores and their metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.blame import calling
from privbench.components import Bound
from privbench.stages.answers import ObservationsStage, OutputsStage
from privbench.stages.base import Context, Stage
from privbench.stages.checks import checked_array
from privbench.stages.training import SettingStage
from privbench.store import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.attacks.base import Answers, View
    from privbench.settings import Setting


@dataclass(frozen=True, eq=False)
class ScoresStage(Stage):
    """Scores (models, pool) of one attack; each model is the target once, the others its shadows."""

    kind = "scores"
    weight = 2.0

    title: str
    seed: int
    setting: SettingStage
    attack: Bound
    target: OutputsStage | ObservationsStage
    shadow: OutputsStage | ObservationsStage
    """What the shadows answer: the same as ``target`` for an adaptive adversary."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.target, self.shadow)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.attack,)

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        setting: Setting = context.get(self.setting).live
        targets, shadows = context.get(self.target).arrays, context.get(self.shadow).arrays
        n_models, n_pool = setting.member.shape
        scores = np.empty((n_models, n_pool))
        for model in range(n_models):
            view = self._view(setting, targets, shadows, model)
            with calling(self.attack):
                found = self.attack.component.score(view)
            scores[model] = checked_array(found, (n_pool,), f"{self.attack.name}: score returned")
            context.progress(model + 1, n_models)
        return Artifact({"scores": scores})

    def _view(self, setting: Setting, targets: Any, shadows: Any, model: int) -> View:
        import numpy as np

        from privbench.attacks.base import View

        others = np.arange(len(setting.member)) != model
        observes = self.attack.component.observes
        return View(
            labels=setting.pool.y,
            n_classes=setting.pool.spec.n_classes,
            target=observe(targets["pool"][model], observes),
            shadows=observe(shadows["pool"][others], observes),
            shadow_member=setting.member[others],
            reference_labels=setting.reference.y,
            target_reference=observe(targets["reference"][model], observes),
            shadow_reference=observe(shadows["reference"][others], observes),
            rng=self.rng("score", model),
        )


@dataclass(frozen=True, eq=False)
class MetricsStage(Stage):
    """The numbers of one row of results."""

    kind = "metrics"

    title: str
    seed: int
    setting: SettingStage
    scores: ScoresStage
    shadow_scores: ScoresStage
    """The same attack on the population that the adversary can train: it chooses the thresholds."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.scores, self.shadow_scores)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics import summarise

        setting: Setting = context.get(self.setting).live
        chosen = setting.canary if self.setting.subset == "canaries" else ~setting.canary
        member = setting.member[:, chosen]
        per_class = self.scores.attack.component.per_class_threshold
        target, shadow = (context.get(one).arrays["scores"] for one in self.inputs[1:])
        summary = summarise(
            target[:, chosen].astype(float),
            member,
            shadow[:, chosen].astype(float),
            member,
            groups=setting.pool.y[chosen] if per_class else None,
            rng=self.rng("bootstrap"),
        )
        return Artifact(info=summary.to_json())


def observe(log_probs: NDArray[np.float32], observes: str) -> Answers:
    """Cut answers down to what an attack declares that it observes."""
    from privbench.attacks.base import Answers

    predicted = log_probs.argmax(-1)
    return Answers(predicted, log_probs if observes == "probabilities" else None)
