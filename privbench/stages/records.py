"""The stages of single records: AUCs, scores calibrated per record, precision at a small prior."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from privbench.components.faults import calling
from privbench.data import read_only
from privbench.stages.base import Context, Stage
from privbench.stages.results import MetricsStage
from privbench.stages.scores import ScoresStage, score_views
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.attacks.base import Attack, Views
    from privbench.components import Bound
    from privbench.membership import Setting
    from privbench.metrics.groups import Groups
    from privbench.metrics.left_out import LeftOutScores

MIN_MODELS = 4
"""With fewer models there are no two to compare and two shadows to learn from."""
N_DRAWS = 2
"""How often membership is drawn anew, for what is due to chance, where an attack has to score again."""
N_DRAWS_WITHOUT_SHADOWS = 20
"""The same for attacks without shadows, whose scores stay."""


def scores_left_out(attack: Bound) -> bool:
    """Return whether an attack is scored with groups of models left out.

    Not if it queries models itself, or looks at their parameters: that takes as many queries for every
    group as all scores together.
    """
    component: Attack = attack.component
    with calling(attack):
        return not component.needs_models()


def left_out_arrays(
    attack: Bound,
    views: Views,
    scores: NDArray[np.float64],
    member: NDArray[np.bool_],
    rng: np.random.Generator,
    groups: Groups | None = None,
) -> dict[str, NDArray[Any]]:
    """Return AUCs of records, those by chance, and scores that are calibrated per record.

    Args:
        attack: the attack.
        views: what it sees of all models. If its shadows are the others, models are left out in groups.
        scores: float64 (models, records), its scores.
        member: bool (models, records), which records each model was trained on.
        rng: draws the groups of models and the membership by chance.
        groups: groups of records whose membership is one question; they then stand for the records of
            ``scores``, of ``member`` and of what is returned.

    Returns:
        ``auc`` float64 (records,); ``pairs`` int64 (records,), the pairs of models that are compared;
        ``by_chance`` float64 (draws, records), AUCs with membership that was drawn anew; ``calibrated``
        float32 (models, records).
    """
    import numpy as np

    from privbench.metrics.left_out import LeftOutScores, redrawn

    with calling(attack):
        needs_shadows = attack.component.shadows_needed() != "no"
    # Another's attack may look at shadows that it does not need.
    uses_shadows = views.leave_one_out and (needs_shadows or attack.entry.third_party)
    alone = LeftOutScores.without_shadows(scores)
    left_out = _left_out(attack, views, rng, groups) if uses_shadows else alone
    by_chance = []
    for _ in range(N_DRAWS if uses_shadows else N_DRAWS_WITHOUT_SHADOWS):
        drawn = read_only(redrawn(member, rng))
        of_records = drawn if groups is None else read_only(groups.expanded(drawn))
        views = replace(views, shadow_member=of_records)
        other = _left_out(attack, views, rng, groups) if uses_shadows else alone
        by_chance.append(other.record_auc(drawn))
    return {
        "auc": left_out.record_auc(member),
        "pairs": left_out.pairs(member),
        "by_chance": np.stack(by_chance),
        "calibrated": left_out.calibrated(member).astype(np.float32),
    }


def _left_out(
    attack: Bound, views: Views, rng: np.random.Generator, groups: Groups | None
) -> LeftOutScores:
    from privbench.metrics.left_out import LeftOutScores

    with calling(attack):
        add = attack.component.adds_up()

    def score(targets: NDArray[np.int64], shadows: NDArray[np.int64]) -> NDArray[np.float64]:
        part = replace(views.part(targets, shadows), progress=lambda done, total: None)
        scores = score_views(attack, part, lambda: part)
        return scores if groups is None else groups.scores(scores, add=add)

    return LeftOutScores.of(score, len(views), rng)


@dataclass(frozen=True, eq=False)
class LeftOutStage(Stage):
    """AUCs of records and calibrated scores, from groups of models that are left out together.

    Its arrays are those of `left_out_arrays`, for all records, or groups, of the pool.
    """

    kind = "left-out"

    title: str
    seed: int
    scores: ScoresStage

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.scores, *self.scores.inputs)

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.scores.attack,)

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.scores.setting).live
        scores = context.get(self.scores).arrays["scores"].astype(float)
        views, rng = self.scores.views(context), self.rng("groups")
        attack, member, groups = self.scores.attack, setting.member, setting.groups
        if groups is not None:
            with calling(attack):
                add = attack.component.adds_up()
            scores, member = groups.scores(scores, add=add), groups.member(member)
        return Artifact(left_out_arrays(attack, views, scores, member, rng, groups))


@dataclass(frozen=True, eq=False)
class RecordsStage(Stage):
    """The columns of a row that are about single records, and precision at a small prior."""

    kind = "records"
    weight = 0.5

    title: str
    seed: int
    metrics: MetricsStage
    left_out: LeftOutStage | None
    """None with too few models, for naive shadows, and for attacks that make queries of their own."""

    @property
    def inputs(self) -> tuple[Stage, ...]:
        metrics = self.metrics
        stages = (metrics.setting, metrics.scores, metrics.shadow_scores)
        return stages if self.left_out is None else (*stages, self.left_out)

    def details(self) -> dict[str, Any]:
        return {"canary_kind": self.metrics.canary_kind}

    def compute(self, context: Context) -> Artifact:
        from privbench.metrics import Influences, Pairs, record_risk, summarise_pairs
        from privbench.metrics.bootstrap import FPRS
        from privbench.metrics.precision import PRIOR, precision_at_fpr

        metrics = self.metrics
        units, attack = metrics.units(context), metrics.scores.attack
        member = units.member
        with calling(attack):
            uses_shadows = attack.component.shadows_needed() != "no"
            add = attack.component.adds_up()
        target, shadow = (
            units.scores(context.get(stage).arrays["scores"], add=add)
            for stage in (metrics.scores, metrics.shadow_scores)
        )
        info: dict[str, Any] = {"calibrated_tpr_at_fpr": None, "record_risk": None}
        info["precision"] = {"prior": PRIOR} | {
            str(fpr): precision_at_fpr(target, member, shadow, member, fpr) for fpr in FPRS
        }
        if self.left_out is not None:
            arrays = context.get(self.left_out).arrays
            auc, by_chance, pairs = (
                arrays[name][..., units.chosen] for name in ("auc", "by_chance", "pairs")
            )
            info["record_risk"] = record_risk(auc, by_chance, pairs, member)
            calibrated = arrays["calibrated"][:, units.chosen].astype(float)
            summary = summarise_pairs(
                Pairs.of(calibrated, member),
                None,
                self.rng("bootstrap"),
                influences=Influences.of(calibrated, member) if uses_shadows else None,
            )
            info["calibrated_tpr_at_fpr"] = summary.to_json()["tpr_at_fpr"]
        return Artifact(info=info)
