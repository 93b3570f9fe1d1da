"""The stage ``sequential-scores``: scores of a target by means of earlier models only.

In a leave-one-out each model is a shadow of all others, so that scores of a target depend on the coins
of the others, and theirs on its own. Here target i uses shadows j < i only: guesses about a model are
made from its own output and from coins that are known already, as one-run bounds allow for several
runs in turn (Steinke et al. 2023, arXiv 2305.08846, section 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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

    Indices: TypeAlias = NDArray[np.int64]

AnyScoresStage: TypeAlias = ScoresStage | ReleaseScoresStage

FIRST_SHADOWS = 4
"""The number of models that are shadows only; half of a population that is smaller than twice this."""


@dataclass(frozen=True, eq=False)
class SequentialScoresStage(Stage):
    """Scores (models, pool) in which each target uses shadows before it; NaN where it has none.

    Targets are scored in blocks that double, by all models before the block, which costs little more
    than a leave-one-out. An attack without shadows scores all targets at once.
    """

    kind = "sequential-scores"
    weight = 2.0

    title: str
    seed: int
    scores: AnyScoresStage
    """The attack, and what it sees."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return self.scores.inputs

    @property
    def components(self) -> tuple[Bound, ...]:
        return self.scores.components

    def compute(self, context: Context) -> Artifact:
        import numpy as np

        setting: Setting = context.get(self.scores.setting).live
        scores = np.full(setting.member.shape, np.nan)
        n_models = len(scores)
        for targets, shadows in self.blocks(n_models):

            def progress(done: int, total: int, before: int = int(targets[0])) -> None:
                context.progress(before + done * len(targets) // max(total, 1), n_models)

            part = replace(context, progress=progress)
            block = self._block(part, targets, shadows)
            if block is not None:
                scores[targets] = block
        return Artifact({"scores": scores})

    def blocks(self, n_models: int) -> Iterator[tuple[Indices, Indices]]:
        """Yield the targets of each block, and their shadows."""
        return blocks(n_models, shadows_needed(self.scores.attack) != "no")

    def _block(
        self, context: Context, targets: Indices, shadows: Indices
    ) -> NDArray[np.float64] | None:
        """Return the scores (targets, pool) of a block; None if the attack needs other shadows."""
        stage, attack = self.scores, self.scores.attack
        if isinstance(stage, ReleaseScoresStage):
            released = stage

            def of_releases() -> SyntheticViews:
                return released.views(context).part(targets, shadows)

            return score_views(attack, of_releases(), of_releases)
        on_models = stage

        def of_models() -> Views:
            return on_models.views(context).part(targets, shadows)

        views = of_models()
        with calling(attack):
            obstacle = attack.component.obstacle(views)
        return None if obstacle else score_views(attack, views, of_models)


def blocks(n_models: int, with_shadows: bool = True) -> Iterator[tuple[Indices, Indices]]:
    """Yield the targets of each block, and their shadows: all models before the block.

    >>> [(targets.tolist(), len(shadows)) for targets, shadows in blocks(10)]
    [([4, 5, 6, 7], 4), ([8, 9], 8)]
    """
    import numpy as np

    models = np.arange(n_models)
    if not with_shadows:
        yield models, models[:0]
        return
    start = min(FIRST_SHADOWS, max(1, n_models // 2))
    while start < n_models:
        yield models[start : 2 * start], models[:start]
        start *= 2


def shadows_needed(attack: Bound) -> NeedsShadows:
    """Return which shadows an attack needs with its parameters."""
    with calling(attack):
        needed: NeedsShadows = attack.component.shadows_needed()
    return needed
