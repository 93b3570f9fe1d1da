"""From answers to the numbers of a row: attack scores and their metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privbench.components import Bound
from privbench.components.checks import checked_array
from privbench.components.faults import calling
from privbench.errors import Incompatible
from privbench.stages.answers import DefendedOutputsStage, OutputsStage, UtilityStage
from privbench.stages.base import Context, Stage
from privbench.stages.claims import audited, steps_seen
from privbench.stages.training import PopulationStage, SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from privbench.attacks.base import Attack, Outputs, Views
    from privbench.attacks.synthetic import SyntheticViews
    from privbench.mechanisms.base import OutputTransform
    from privbench.membership import Setting
    from privbench.stages.models import TrainedModel
    from privbench.stages.releasing import SyntheticScoresStage


@dataclass(frozen=True, eq=False)
class ScoresStage(Stage):
    """Scores (models, pool) of one attack; each model is the target once, the others its shadows."""

    kind = "scores"
    weight = 2.0

    title: str
    seed: int
    setting: SettingStage
    attack: Bound
    target: OutputsStage | DefendedOutputsStage
    shadow: OutputsStage | DefendedOutputsStage
    """What the shadows answer: the same as ``target`` for an adaptive adversary."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.target, self.shadow, *self._populations)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.attack,)

    @property
    def _populations(self) -> tuple[PopulationStage, ...]:
        """The models themselves, for an attack that needs more than their answers about the pool."""
        if not self.attack.component.needs_models():
            return ()
        both = (outputs_of(self.target).population, outputs_of(self.shadow).population)
        return both if both[0].key != both[1].key else both[:1]

    def compute(self, context: Context) -> Artifact:
        views = self._views(context)
        attack: Attack = self.attack.component
        if obstacle := attack.obstacle(views):
            raise Incompatible(f"{self.attack.name} {obstacle}")
        scores = score_views(self.attack, views)
        return Artifact({"scores": scores})

    def _views(self, context: Context) -> Views:
        from privbench.attacks.base import Views

        setting: Setting = context.get(self.setting).live
        observes = self.attack.component.observes
        same = self.target.key == self.shadow.key
        target = context.get(self.target).arrays
        pool, reference = observe(target["pool"], observes), observe(target["reference"], observes)
        models = shadow_models = self._models(context, self.target)
        shadow_pool, shadow_reference = pool, reference
        if not same:
            shadow = context.get(self.shadow).arrays
            shadow_pool = observe(shadow["pool"], observes)
            shadow_reference = observe(shadow["reference"], observes)
            shadow_models = self._models(context, self.shadow)
        return Views(
            labels=setting.pool.y,
            n_classes=setting.pool.spec.n_classes,
            targets=pool,
            shadows=shadow_pool,
            shadow_labels=setting.pool.y,
            shadow_member=setting.member,
            leave_one_out=True,
            reference_labels=setting.reference.y,
            target_reference=reference,
            shadow_reference=shadow_reference,
            rngs=[self.rng("score", model) for model in range(len(setting.member))],
            records=setting.pool.x,
            reference_records=setting.reference.x,
            target_models=models,
            shadow_models=shadow_models,
            progress=context.progress,
        )

    def _models(self, context: Context, stage: OutputsStage | DefendedOutputsStage) -> list[Asked]:
        if not self.attack.component.needs_models():
            return []
        observes = self.attack.component.observes
        models = outputs_of(stage).models(context)
        answerers: list[list[OutputTransform]] = [[] for _ in models]
        if isinstance(stage, DefendedOutputsStage):
            answerers = list(stage.answerers(context))
        return [
            Asked(one, stage, answerers[model], observes, (self.names, model))
            for model, one in enumerate(models)
        ]


@dataclass
class Asked:
    """One model as an adversary meets it: behind the defense's output mechanisms."""

    model: TrainedModel
    stage: OutputsStage | DefendedOutputsStage
    answerers: Sequence[OutputTransform]
    """What the output mechanisms put in the place of its answers."""
    observes: str
    name: tuple[str, int]
    """Names its random draws: who asks, and which model."""
    calls: int = 0

    def query(self, x: NDArray[np.float32]) -> Outputs:
        """What it answers about records (n, *shape); every call is a new query."""
        log_probs = self.model.log_probs(x)
        if isinstance(self.stage, DefendedOutputsStage):
            floor = self.stage.floor()
            query = ("ask", *self.name, self.calls)
            log_probs = self.stage.answer(log_probs, self.answerers, floor, *query)
        self.calls += 1
        return observe(log_probs, self.observes)

    def module(self) -> nn.Module:
        """Its network. Raises TypeError unless the attack observes "parameters"."""
        if self.observes != "parameters":
            raise TypeError(
                f"this attack declares observes = {self.observes!r}, so it has no network"
            )
        return self.model.module()


def outputs_of(stage: OutputsStage | DefendedOutputsStage) -> OutputsStage:
    """The stage before the output mechanisms."""
    return stage.outputs if isinstance(stage, DefendedOutputsStage) else stage


@dataclass(frozen=True, eq=False)
class MetricsStage(Stage):
    """The numbers of one row of results."""

    kind = "metrics"

    title: str
    seed: int
    setting: SettingStage
    scores: ScoresStage | SyntheticScoresStage
    shadow_scores: ScoresStage | SyntheticScoresStage
    """The same attack on the population that the adversary can train: it chooses the thresholds."""
    utility: UtilityStage
    """Says what the defense claims."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting, self.scores, self.shadow_scores, self.utility)

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics import summarise

        setting: Setting = context.get(self.setting).live
        chosen = setting.canary if self.setting.subset == "canaries" else ~setting.canary
        member = setting.member[:, chosen]
        per_class = self.scores.attack.component.per_class_threshold
        target, shadow = (
            context.get(one).arrays["scores"][:, chosen].astype(float)
            for one in (self.scores, self.shadow_scores)
        )
        summary = summarise(
            target,
            member,
            shadow,
            member,
            groups=setting.pool.y[chosen] if per_class else None,
            rng=self.rng("bootstrap"),
        )
        claim, _ = self.utility.claim(setting, steps_seen(self.scores.attack.component))
        return Artifact(
            info=summary.to_json()
            | audited(claim, target, shadow, member, setting.pool.y[chosen], self.rng("pairs"))
        )


def observe(log_probs: NDArray[np.float32], observes: str) -> Outputs:
    """Cut answers down to what an attack declares that it observes."""
    from privbench.attacks.base import Outputs

    return Outputs(log_probs.argmax(-1), None if observes == "labels" else log_probs)


def score_views(attack: Bound, views: Views | SyntheticViews) -> NDArray[np.float64]:
    """The scores (targets, n_pool) of an attack. Raises PrivbenchError if they are not usable."""
    import numpy as np

    from privbench.attacks.base import Attack
    from privbench.attacks.synthetic import SyntheticAttack

    component = attack.component
    shape = (len(views), len(views.labels))
    if type(component).score_all not in (Attack.score_all, SyntheticAttack.score_all):
        with calling(attack):
            found = component.score_all(views)
        return checked_array(found, shape, f"{attack.name}: score_all returned").astype(float)
    scores = np.empty(shape)
    for target, view in enumerate(views):
        with calling(attack):
            found = component.score(view)
        scores[target] = checked_array(found, shape[1:], f"{attack.name}: score returned")
    return scores
