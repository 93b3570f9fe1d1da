"""The metrics of an attack in an audit: intervals, thresholds and lower bounds on epsilon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Views
from privbench.auditing.predictions import Predictions
from privbench.auditing.report import AttackReport
from privbench.auditing.sanity import are_fair_coins
from privbench.auditing.shadows import AuditedModels
from privbench.components import Bound
from privbench.components.faults import calling
from privbench.metrics import (
    Influences,
    Pairs,
    RecordRisk,
    epsilon_lower_bound,
    one_run_bound,
    record_risk,
    summarise_pairs,
    warnings,
)
from privbench.metrics.clustered import Estimate
from privbench.metrics.power import ceiling_of_errors
from privbench.metrics.threshold import (
    balanced_accuracy_of,
    called_members,
    called_members_at,
)
from privbench.seeds import generator
from privbench.stages.records import MIN_MODELS, left_out_arrays
from privbench.stages.scores import score_views

N_BLOCKS = 50
"""Blocks of records that are resampled for the intervals of a single model."""

Scores = NDArray[np.float64]


def record_blocks(models: AuditedModels) -> NDArray[np.int64] | None:
    """Return a random block (units,) for each record, or group, of a single model; None for several."""
    if len(models.target) > 1:
        return None
    n = models.member.shape[1]
    blocks: NDArray[np.int64] = generator(models.seed, "groups").permutation(n) % min(N_BLOCKS, n)
    return blocks


def measure(
    models: AuditedModels, attack: Bound, views: Views, blocks: NDArray[np.int64] | None
) -> AttackReport:
    """Score all target models and return the attack's metrics.

    Args:
        models: the target models and their shadows.
        attack: the attack.
        views: what it sees of the target models.
        blocks: what `record_blocks` returns.
    """
    scores = _of_units(
        models.target, attack, score_views(attack, views, lambda: models.target_views(attack))
    )
    shadow_scores = _shadow_scores(models, attack, scores)
    called = _called_members(models, attack, scores, shadow_scores)
    balanced = None if called is None else balanced_accuracy_of(called, models.member)
    rng = generator(models.seed, "intervals", attack.name)
    influences = Influences.of(scores, models.member)
    summary = summarise_pairs(
        _pairs(models, scores, blocks),
        balanced,
        rng,
        n_models=len(models.target),
        influences=influences if _are_shadows(models, attack) else None,
    )
    auc = Estimate.of(summary.auc, influences.auc, summary.interval_over)
    return AttackReport(
        scores=scores,
        called=called,
        summary=summary,
        epsilon_lower_bound=_epsilon(models, scores, shadow_scores),
        epsilon_ceiling=_epsilon_ceiling(models, shadow_scores is not None),
        epsilon_lower_bound_one_run=_one_run(models, attack, scores),
        epsilon_ceiling_one_run=_one_run(models, attack, models.member.astype(float)),
        find_risk=_when_needed(attack, lambda: _record_risk(models, attack, views, scores)),
        name_records=lambda risk: _most_vulnerable(models, risk),
        warnings=[
            *_warnings_of_attack(models, attack),
            *warnings.below_chance(auc),
        ],
    )


def _are_shadows(models: AuditedModels, attack: Bound) -> bool:
    """Return whether the target models are each other's shadows in this attack."""
    with calling(attack):
        uses_shadows = attack.component.shadows_needed() != "no"
    return uses_shadows and models.shadow_kind == "leave-one-out"


def _warnings_of_attack(models: AuditedModels, attack: Bound) -> list[warnings.RowWarning]:
    """Return the warnings about the outputs and shadows that an attack sees.

    Predictions are those of one query, so that they cannot show that outputs are random.
    """
    component = attack.component
    with calling(attack):
        needed = component.shadows_needed()
    found = warnings.of_outputs(
        models.traits,
        queries=None,
        sees_probabilities=component.observes == "probabilities",
        fits_normals=component.fits_normals,
    )
    if needed == "same records":
        shadow = models.shadow or models.target
        found += warnings.few_shadows(shadow.member, leave_one_out=models.shadow is None)
    return found


def _shadow_scores(models: AuditedModels, attack: Bound, target_scores: Scores) -> Scores | None:
    """Return scores of the adversary's own models, on which thresholds are chosen."""
    if models.shadow is None:
        return target_scores if len(models.target) > 1 else None
    views = models.shadow_views(attack)
    if attack.component.obstacle(views):
        return None
    scores = score_views(attack, views, lambda: models.shadow_views(attack))
    return _of_units(models.shadow, attack, scores)


def _of_units(of: Predictions, attack: Bound, scores: Scores) -> Scores:
    """Return the scores of groups, given those of records, if there are groups."""
    if of.groups is None:
        return scores
    with calling(attack):
        add = attack.component.adds_up()
    return of.groups.scores(scores, add=add)


def _pairs(models: AuditedModels, scores: Scores, blocks: NDArray[np.int64] | None) -> Pairs:
    member = models.member
    if blocks is None:
        return Pairs.of(scores, member)
    return Pairs.grouped(scores[0], member[0], blocks)


def _called_members(
    models: AuditedModels, attack: Bound, scores: Scores, shadow_scores: Scores | None
) -> NDArray[np.bool_] | None:
    """Return which pairs are called members at thresholds chosen on shadows; None without shadows."""
    if shadow_scores is None:
        return None
    per_class = attack.component.per_class_threshold and models.target.groups is None
    member = models.member
    labels = models.target.labels if per_class else None
    if models.shadow is None:
        return called_members(scores, member, shadow_scores, member, labels)
    shadow_labels = models.shadow.labels if per_class else None
    return called_members_at(
        scores, member, shadow_scores, models.shadow_member, labels, shadow_labels
    )


def _epsilon(models: AuditedModels, scores: Scores, shadow_scores: Scores | None) -> float:
    """Return the lower bound on epsilon; without shadows, half of the records give the threshold."""
    member = models.member
    if shadow_scores is not None:
        leave_one_out = models.shadow is None
        shadow_member = member if models.shadow is None else models.shadow_member
        return epsilon_lower_bound(
            scores, member, shadow_scores, shadow_member, leave_one_out=leave_one_out
        )
    is_first_half = _is_first_half(models)
    halves = [(scores[:, half], member[:, half]) for half in (~is_first_half, is_first_half)]
    if any(half_member.all() or not half_member.any() for _, half_member in halves):
        return 0.0
    return epsilon_lower_bound(*halves[0], *halves[1], leave_one_out=False)


def _is_first_half(models: AuditedModels) -> NDArray[np.bool_]:
    """Return which records (records,) give the threshold for the others, where no shadows do."""
    order = generator(models.seed, "halves").permutation(models.member.shape[1])
    return np.asarray(order % 2 == 0)


def _epsilon_ceiling(models: AuditedModels, has_shadows: bool) -> float:
    """Return the lower bound on epsilon of an attack without an error."""
    member = models.member
    if not has_shadows:
        member = member[:, ~_is_first_half(models)]
    return ceiling_of_errors(int(member.sum()), int((~member).sum()))


def _one_run(models: AuditedModels, attack: Bound, scores: Scores) -> float | None:
    if len(models.target) > 1 or not are_fair_coins(models.member):
        return None
    rng = generator(models.seed, "one run", attack.name)
    return one_run_bound(scores[0], models.member[0], rng=rng)


def _when_needed(
    attack: Bound, find: Callable[[], RecordRisk | None]
) -> Callable[[], RecordRisk | None]:
    """Return a function that finds the risk when it is called.

    With many models this takes several times as long as all else. Only code of third parties is called
    at once: if it fails, that must not cost the report, and it has copies of all outputs.
    """
    if not attack.entry.third_party:
        return find
    found = find()
    return lambda: found


def _record_risk(
    models: AuditedModels, attack: Bound, views: Views, scores: Scores
) -> RecordRisk | None:
    """Return the AUCs of records; None with too few models."""
    if len(models.target) < MIN_MODELS:
        return None
    member, rng = models.member, generator(models.seed, "groups of models", attack.name)
    arrays = left_out_arrays(attack, views, scores, member, rng, models.target.groups)
    return record_risk(arrays["auc"], arrays["by_chance"], arrays["pairs"], member)


def _most_vulnerable(models: AuditedModels, risk: RecordRisk | None) -> list[dict[str, Any]]:
    """Return the records with the largest AUC over models, with labels and identifiers; or groups."""
    target, most = models.target, risk["most_exposed"] if risk else []
    if target.groups is not None:
        groups = target.groups.names
        return [{"group": groups[one["record"]], "auc": one["auc"]} for one in most]
    names, key = target.record_ids, "target" if target.task == "regression" else "label"
    return [
        {
            "record": one["record"],
            **({} if names is None else {"record_id": str(names[one["record"]])}),
            key: target.labels[one["record"]].tolist(),
            "auc": one["auc"],
        }
        for one in most
    ]
