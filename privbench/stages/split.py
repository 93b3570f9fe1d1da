"""The stage ``split-scores``: scores of half of the models, by means of the other half as shadows.

In a leave-one-out each model is a shadow of all others, so that scores of a target depend on the coins
of the others, and theirs on its own. Bounds that need no independence exclude this. Here the first half
of the models are shadows only, and their coins are known. The others are targets only, so that guesses
about their coins are made from their outputs alone: one run of a one-run audit (Steinke et al. 2023,
arXiv 2305.08846), whose output is that of all targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from privbench.components import Bound
from privbench.components.faults import calling
from privbench.stages.base import Context, Stage
from privbench.stages.scores import ReleaseScoresStage, ScoresStage, score_views
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.attacks.base import NeedsShadows, Views
    from privbench.attacks.synthetic import SyntheticViews
    from privbench.membership import Setting

AnyScoresStage: TypeAlias = ScoresStage | ReleaseScoresStage


@dataclass(frozen=True, eq=False)
class SplitScoresStage(Stage):
    """Scores (models, pool) of the second half of the models, whose shadows are the first half.

    They are NaN for the first half, and for all models if the attack needs other shadows. An attack
    that needs no shadows is handed none, and scores all models.
    """

    kind = "split-scores"
    weight = 2.0

    title: str
    seed: int
    scores: AnyScoresStage
    """The attack, and what it sees."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        # The scores themselves are not read: an attack that fails on all models is not tried again.
        return (*self.scores.inputs, self.scores)

    @property
    def components(self) -> tuple[Bound, ...]:
        return self.scores.components

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        setting: Setting = context.get(self.scores.setting).live
        scores = np.full(setting.member.shape, np.nan)
        models, stage, attack = np.arange(len(scores)), self.scores, self.scores.attack
        middle = len(models) // 2 if shadows_needed(attack) != "no" else 0
        shadows, targets = models[:middle], models[middle:]
        if isinstance(stage, ReleaseScoresStage):
            on_releases = stage

            def of_releases() -> SyntheticViews:
                return on_releases.views(context).part(targets, shadows)

            scores[targets] = score_views(attack, of_releases(), of_releases)
            return Artifact({"scores": scores})
        on_models = stage

        def of_models() -> Views:
            return on_models.views(context).part(targets, shadows)

        views = of_models()
        with calling(attack):
            obstacle = attack.component.obstacle(views)
        if not obstacle:
            scores[targets] = score_views(attack, views, of_models)
        return Artifact({"scores": scores})


def shadows_needed(attack: Bound) -> NeedsShadows:
    """Return which shadows an attack needs with its parameters."""
    with calling(attack):
        needed: NeedsShadows = attack.component.shadows_needed()
    return needed
