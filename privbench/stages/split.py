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
    import numpy as np
    from numpy.typing import NDArray

    from privbench.attacks.base import NeedsShadows, Views
    from privbench.attacks.synthetic import SyntheticViews
    from privbench.membership import Setting

AnyScoresStage: TypeAlias = ScoresStage | ReleaseScoresStage


MIN_SHADOWS = 4
"""With fewer shadows these are not attacked, and nothing is chosen by what comes of it."""


@dataclass(frozen=True, eq=False)
class SplitScoresStage(Stage):
    """Scores (models, pool) of the second half of the models, whose shadows are the first half.

    They are the targets (``is_target``, bool (models,)), of which NaN is left if the attack needs other
    shadows. The first half have scores of a leave-one-out among themselves, by which the guesses about
    the targets are planned; NaN if they are few, or if the attack queries models itself, which would
    double its queries. An attack that needs no shadows is handed none, and scores all models.
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
        models = np.arange(len(scores))
        if shadows_needed(self.scores.attack) == "no":
            self._score(context, scores, models, models[:0])
            is_target = targets_without_shadows(*setting.member.shape)
            return Artifact({"scores": scores, "is_target": is_target})
        middle = len(models) // 2
        shadows, targets = models[:middle], models[middle:]
        self._score(context, scores, targets, shadows)
        if len(shadows) >= MIN_SHADOWS and not self._queries():
            self._score(context, scores, shadows, None)
        return Artifact({"scores": scores, "is_target": models >= middle})

    def _score(
        self,
        context: Context,
        scores: NDArray[np.float64],
        targets: NDArray[np.int64],
        shadows: NDArray[np.int64] | None,
    ) -> None:
        """Score some targets by means of some shadows; None for a leave-one-out among the targets."""
        stage, attack = self.scores, self.scores.attack
        if isinstance(stage, ReleaseScoresStage):
            on_releases = stage

            def of_releases() -> SyntheticViews:
                views = on_releases.views(context)
                return views.among(targets) if shadows is None else views.part(targets, shadows)

            scores[targets] = score_views(attack, of_releases(), of_releases)
            return
        on_models = stage

        def of_models() -> Views:
            views = on_models.views(context)
            return views.among(targets) if shadows is None else views.part(targets, shadows)

        views = of_models()
        with calling(attack):
            obstacle = attack.component.obstacle(views)
        if not obstacle:
            scores[targets] = score_views(attack, views, of_models)

    def _queries(self) -> bool:
        """Return whether the attack queries models itself, or looks at their parameters."""
        if isinstance(self.scores, ReleaseScoresStage):
            return False
        with calling(self.scores.attack):
            return bool(self.scores.attack.component.needs_models())


def targets_without_shadows(n_models: int, n_records: int) -> NDArray[np.bool_]:
    """Return which models (n_models,) are targets of an attack without shadows.

    By the others, an eighth, the guesses about the targets are planned. With a single record nothing is
    planned (`guess_in_turn`), and all are targets.
    """
    import numpy as np

    return np.arange(n_models) >= (n_models // 8 if n_records > 1 else 0)


def shadows_needed(attack: Bound) -> NeedsShadows:
    """Return which shadows an attack needs with its parameters."""
    with calling(attack):
        needed: NeedsShadows = attack.component.shadows_needed()
    return needed
