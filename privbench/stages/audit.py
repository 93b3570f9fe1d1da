"""The stage ``audit``: what an attack's errors say about epsilon, and about a guarantee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.stages.base import Context, Stage
from privbench.stages.guarantees import acts_on_before
from privbench.stages.results import MetricsStage
from privbench.stages.sequential import SequentialScoresStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.membership import Setting


@dataclass(frozen=True, eq=False)
class AuditStage(Stage):
    """The lower bounds on epsilon of one row, its p-value and what it could have shown."""

    kind = "audit"

    title: str
    seed: int
    metrics: MetricsStage
    """The row: the scores of a leave-one-out, the records and the guarantee."""
    sequential: SequentialScoresStage | None
    """Scores that depend on earlier models only; None if the leave-one-out uses no shadows."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        row = self.metrics
        stages = (row.setting, row.scores, row.shadow_scores, row.utility)
        return stages if self.sequential is None else (*stages, self.sequential)

    def details(self) -> dict[str, Any]:
        return {"canary_kind": self.metrics.canary_kind}

    def compute(self, context: Context) -> Artifact:
        from privbench.privacy.audit import AuditedScores, audit

        row = self.metrics
        setting: Setting = context.get(row.setting).live
        in_subset = setting.attacked(row.setting.subset, row.canary_kind)
        sequential = row.scores if self.sequential is None else self.sequential
        scores, shadow_scores, in_turn = (
            context.get(stage).arrays["scores"][:, in_subset].astype(float)
            for stage in (row.scores, row.shadow_scores, sequential)
        )
        audited = AuditedScores(
            scores=scores,
            shadow_scores=shadow_scores,
            sequential=in_turn,
            runs=self._runs(in_turn),
            member=setting.member[:, in_subset],
            labels=setting.pool.y[in_subset],
            own_coins=row.setting.subset == "canaries",
        )
        guarantee, _ = row.utility.guarantee(
            setting, acts_on_before(row.scores.attack.component, row.utility.defense)
        )
        return Artifact(info=audit(audited, guarantee, self.rng))

    def _runs(self, in_turn: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the block (models,) of each model; -1 for those without scores (models, records)."""
        import numpy as np

        if self.sequential is None:
            return np.zeros(len(in_turn), dtype=np.int64)
        runs = np.full(len(in_turn), -1)
        for block, (targets, _) in enumerate(self.sequential.blocks(len(in_turn))):
            runs[targets] = block
        return np.where(np.isnan(in_turn).any(axis=1), -1, runs)
