"""The stage ``audit``: what an attack's errors say about epsilon, and about a guarantee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components.faults import calling
from privbench.stages.base import Context, Stage
from privbench.stages.guarantees import acts_on_before
from privbench.stages.results import MetricsStage
from privbench.stages.split import SplitScoresStage, targets_without_shadows
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.membership import Setting


@dataclass(frozen=True, eq=False)
class AuditStage(Stage):
    """The lower bounds on epsilon of one row, its p-value and what it could have shown."""

    kind = "audit"

    title: str
    seed: int
    metrics: MetricsStage
    """The row: the scores of a leave-one-out, the records and the guarantee."""
    split: SplitScoresStage | None
    """Scores by means of models that are not targets; None if the leave-one-out uses no shadows, and
    for naive shadows: verdicts rest on the audit of the adaptive adversary."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        row = self.metrics
        stages = (row.setting, row.scores, row.shadow_scores, row.utility)
        return stages if self.split is None else (*stages, self.split)

    def details(self) -> dict[str, Any]:
        return {"canary_kind": self.metrics.canary_kind}

    def compute(self, context: Context) -> Artifact:
        from privbench.privacy.audit import AuditedScores, audit

        row = self.metrics
        setting: Setting = context.get(row.setting).live
        units, size = row.units(context), 1
        if units.groups is not None:
            size = units.audited_size
            units = units.of_size(size)
        with calling(row.scores.attack):
            add = row.scores.attack.component.adds_up()
        scores, shadow_scores, split = (
            units.scores(context.get(stage).arrays["scores"], add=add)
            for stage in (row.scores, row.shadow_scores, self.split or row.scores)
        )
        if self.split is None:
            is_target = targets_without_shadows(*scores.shape)
        else:
            is_target = context.get(self.split).arrays["is_target"]
        attack, defense = row.scores.attack.component, row.utility.defense
        covering = acts_on_before(attack, defense, records_per_guess=size)
        audited = AuditedScores(
            scores=scores,
            shadow_scores=shadow_scores,
            split=None if row.scores.is_naive else split,
            is_target=is_target,
            member=units.member,
            labels=units.labels,
            own_coins=row.setting.subset == "canaries",
            two_per_guess=acts_on_before(attack, defense, records_per_guess=2 * size) == covering,
        )
        facts = context.get(row.utility).info["facts"]
        guarantee, _ = row.utility.guarantee(setting, covering, facts=facts)
        if guarantee is not None:
            guarantee = guarantee.of_group(size)
        if units.labels is None and guarantee is not None and guarantee.covers == "features":
            guarantee = None  # no coin replaces features and keeps labels
        pairing = row.setting.rng("pairs", row.canary_kind)  # the same in all rows of a population
        info = audit(audited, guarantee, pairing=pairing, rng=self.rng("ties"))
        if setting.groups is not None:
            info["audit"]["groups"] = {
                "n_groups": len(row.units(context).sizes),
                "n_records": int(row.units(context).sizes.sum()),
                "audited_size": size,
                "n_audited": len(units.sizes),
            }
        return Artifact(info=info)
