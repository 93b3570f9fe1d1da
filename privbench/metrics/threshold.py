"""Balanced accuracy at a threshold that was chosen without the target.

A threshold chosen on the target's own scores reports the luck of that choice as leakage. So for each
target the threshold is the one of largest balanced accuracy on the shadows (the other models), and the
target's scores are only evaluated at it. Song, Mittal 2021 (arXiv 2003.10595, section 3.2) choose one
threshold per class.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from privbench.metrics.pairs import Bools, Floats, Ints, Pairs, check_scores, check_shapes

ChooseThresholds = Callable[[Floats, Bools], Floats]

ABOVE_ALL_SCORES = np.inf
"""The threshold that no score reaches: chosen where the shadows show no better one."""


def balanced_accuracy(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None = None,
) -> float:
    """Compute (TPR + TNR) / 2 over all pairs, each model at the threshold chosen on the others.

    Pairs are pooled over models, so a model with few members has little weight.

    For arguments and errors see `called_members`.
    """
    called = called_members(scores, member, shadow_scores, shadow_member, groups)
    return balanced_accuracy_of(called, member)


def called_members(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None = None,
) -> Bools:
    """Return which pairs (models, records) are called members at the threshold chosen on the others.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.
        shadow_scores: float64 (models, records), the same arrays for an adaptive adversary, those of
            the undefended population for a naive one. Row i stands for model i and is left out when
            model i is the target, in both cases, because both were trained on the same members.
        shadow_member: bool (models, records), the membership behind ``shadow_scores``.
        groups: int (records,), for example classes. With groups, a threshold is chosen in each; where
            a target's shadows have no member or no non-member in a group, the threshold over all
            records is used.

    Raises:
        ValueError: if the arrays do not fit together, or there are fewer than two models.
    """
    check_scores(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    if scores.shape != shadow_scores.shape:
        raise ValueError(
            f"shadow_scores: expected the shape of scores, {scores.shape}, got {shadow_scores.shape}"
        )
    if len(scores) < 2:
        raise ValueError("scores: a threshold needs at least 2 models, the target and a shadow")
    thresholds = _by_group(leave_one_out_thresholds, shadow_scores, shadow_member, groups)
    return np.asarray(scores >= thresholds)


def balanced_accuracy_at(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None = None,
    shadow_groups: Ints | None = None,
) -> float:
    """Compute (TPR + TNR) / 2 over all pairs at thresholds chosen on all shadows.

    For shadows that are not the targets; for arguments and errors see `called_members_at`.
    """
    called = called_members_at(scores, member, shadow_scores, shadow_member, groups, shadow_groups)
    return balanced_accuracy_of(called, member)


def called_members_at(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None = None,
    shadow_groups: Ints | None = None,
) -> Bools:
    """Return which pairs (models, records) are called members at thresholds chosen on all shadows.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records), which records each model was trained on.
        shadow_scores: float64 (shadows, shadow records).
        shadow_member: bool (shadows, shadow records).
        groups: int (records,), the group of each record.
        shadow_groups: int (shadow records,), by default ``groups``.

    Raises:
        ValueError: if the arrays do not fit together.
    """
    check_scores(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    shadow_groups = groups if shadow_groups is None else shadow_groups
    thresholds = _by_group(best_threshold, shadow_scores, shadow_member, shadow_groups, groups)
    return np.asarray(scores >= thresholds)


def best_threshold(scores: Floats, member: Bools) -> Floats:
    """Return the threshold of largest balanced accuracy on all scores.

    - Among equally good thresholds, it is the largest, which calls the fewest pairs members.
    - Where no threshold is better than chance, it is `ABOVE_ALL_SCORES`.
    - Without a member or without a non-member, it is NaN.

    Args:
        scores: float64 (shadows, records), larger = member.
        member: bool (shadows, records).

    Returns:
        float64 (1,).
    """
    pairs = Pairs.sort(scores, member)
    true, false = _count_positives(pairs)
    return _pick(pairs.thresholds, true[None], false[None])


def leave_one_out_thresholds(scores: Floats, member: Bools) -> Floats:
    """Return, for each model, the `best_threshold` of all other models.

    One sort serves all: the counts of the model left out are subtracted from those of all models, for
    so many models at a time that the counts take about as much memory as the scores.

    Args:
        scores: float64 (models, records), larger = member.
        member: bool (models, records).

    Returns:
        float64 (models,).
    """
    pairs = Pairs.sort(scores, member)
    index = pairs.threshold_index()
    true, false = _count_positives(pairs)
    step = max(1, 2**16 // len(true))
    thresholds = []
    for first in range(0, pairs.n_models, step):
        models = min(step, pairs.n_models - first)
        here = (pairs.row >= first) & (pairs.row < first + models)
        cell = (pairs.row[here] - first) * np.int64(len(true)) + index[here]
        is_member = pairs.is_member[here]
        true_left = _subtract_models(true, cell[is_member], models)
        false_left = _subtract_models(false, cell[~is_member], models)
        thresholds.append(_pick(pairs.thresholds, true_left, false_left))
    return np.concatenate(thresholds)


def _count_positives(pairs: Pairs) -> tuple[Ints, Ints]:
    """Count the members and the non-members (distinct,) that score at least each threshold."""
    true = np.cumsum(pairs.is_member, dtype=np.int64)[pairs.ends - 1]
    return true, pairs.ends - true


def _subtract_models(positives: Ints, cell: Ints, models: int) -> Ints:
    """Subtract the pairs of each of some models from the counts of all models.

    Args:
        positives: (distinct,), how many pairs of all models score at least each threshold.
        cell: (pairs of these models,), model * distinct + position of the pair's score.
        models: how many models these are.

    Returns:
        int64 (models, distinct).
    """
    counts = np.bincount(cell, minlength=models * len(positives)).reshape(models, len(positives))
    np.cumsum(counts, axis=1, out=counts)
    return np.subtract(positives, counts, out=counts)


def _pick(thresholds: Floats, true: Ints, false: Ints) -> Floats:
    """Return each target's best threshold, as `best_threshold` defines it.

    A score of the left-out model that no shadow has is never picked: the counts do not change there,
    so the next larger threshold is as good and comes first.

    Args:
        thresholds: (distinct,), largest first.
        true: (targets, distinct), the members that score at least each threshold; overwritten.
        false: (targets, distinct), the same for non-members; overwritten.

    Returns:
        float64 (targets,).
    """
    members, nonmembers = true[:, -1:].copy(), false[:, -1:].copy()
    # (TPR - FPR) * members * nonmembers is a whole number, so that ties are exact.
    true *= nonmembers
    false *= members
    true -= false
    best = true.argmax(axis=1)
    beats_chance = np.take_along_axis(true, best[:, None], axis=1)[:, 0] > 0
    picked = np.where(beats_chance, thresholds[best], ABOVE_ALL_SCORES)
    return np.where((members * nonmembers)[:, 0] > 0, picked, np.nan)


def _by_group(
    choose: ChooseThresholds,
    scores: Floats,
    member: Bools,
    groups: Ints | None,
    target_groups: Ints | None = None,
) -> Floats:
    """Choose the thresholds of all records, or of each record's group.

    Args:
        choose: returns thresholds (models,) from some columns of ``scores`` and ``member``.
        scores: float64 (shadows, records).
        member: bool (shadows, records).
        groups: int (records,), or None for one threshold over all records.
        target_groups: int (target records,), the groups that get a threshold; ``groups`` by default.

    Returns:
        float64 that broadcasts to (models, target records).
    """
    overall = choose(scores, member)[:, None]
    overall = np.where(np.isnan(overall), ABOVE_ALL_SCORES, overall)
    if groups is None:
        return overall
    if groups.shape != scores.shape[1:]:
        raise ValueError(f"groups: expected shape {scores.shape[1:]}, got {groups.shape}")
    target_groups = groups if target_groups is None else target_groups
    thresholds = np.broadcast_to(overall, (len(overall), len(target_groups))).copy()
    for group in np.unique(groups):
        columns = groups == group
        in_group = choose(scores[:, columns], member[:, columns])[:, None]
        thresholds[:, target_groups == group] = np.where(np.isnan(in_group), overall, in_group)
    return thresholds


def balanced_accuracy_of(called_member: Bools, member: Bools) -> float:
    """Compute (TPR + TNR) / 2 of decisions (models, records)."""
    return float((called_member[member].mean() + (~called_member[~member]).mean()) / 2)
