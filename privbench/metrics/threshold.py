"""Balanced accuracy at a threshold that was chosen without the target.

Choosing the threshold on the target's own scores reports the luck of the choice as leakage. So for
each target it is the threshold of largest balanced accuracy on the other models, the shadows, and the
target is only measured at it. Song, Mittal 2021 (USENIX Security) choose one for each class.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from privbench.metrics.pairs import Bools, Floats, Ints, Pairs, check, check_shapes

Choice = Callable[[Floats, Bools], Floats]

NOBODY = np.inf
"""The threshold that calls nobody a member: what is left when shadows show nothing better."""


def balanced_accuracy(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None = None,
) -> float:
    """(TPR + TNR) / 2 over all pairs, each model at the threshold chosen on the other models.

    ``scores`` and ``member`` are (models, records), larger = member. Row i of ``shadow_scores`` and
    ``shadow_member`` stands for model i as the adversary's shadow: the same arrays for an adaptive
    adversary, those of the undefended population for a naive one. Row i is left out when model i is
    the target, in both cases, because both were trained on the same members.

    With ``groups`` int (records,), for example classes, a threshold is chosen in each group; where
    the shadows of a target have no member or no non-member in a group, the threshold over all
    records serves. Pairs are pooled over models, so a model with few members counts for little.

    Raises ValueError on arrays that do not fit together and on fewer than two models.
    """
    check(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    if scores.shape != shadow_scores.shape:
        raise ValueError(
            f"shadow_scores: expected the shape of scores, {scores.shape}, got {shadow_scores.shape}"
        )
    if len(scores) < 2:
        raise ValueError("scores: a threshold needs at least 2 models, the target and a shadow")
    found = _by_group(leave_one_out_thresholds, shadow_scores, shadow_member, groups)
    return _balanced(scores >= found, member)


def balanced_accuracy_at(
    scores: Floats,
    member: Bools,
    shadow_scores: Floats,
    shadow_member: Bools,
    groups: Ints | None = None,
    shadow_groups: Ints | None = None,
) -> float:
    """(TPR + TNR) / 2 of ``scores`` (models, records) at thresholds chosen on all shadows given.

    For shadows that are not the targets: ``shadow_scores`` and ``shadow_member`` are (shadows,
    shadow records). With ``groups`` (records,) the shadows' records have ``shadow_groups``, by default
    the same ones. Otherwise as `balanced_accuracy`.
    """
    check(scores, member)
    check_shapes(shadow_scores, shadow_member, prefix="shadow_")
    shadow_groups = groups if shadow_groups is None else shadow_groups
    found = _by_group(best_threshold, shadow_scores, shadow_member, shadow_groups, groups)
    return _balanced(scores >= found, member)


def best_threshold(scores: Floats, member: Bools) -> Floats:
    """The threshold (1,) of largest balanced accuracy on (shadows, records); NaN where undefined.

    Among equally good thresholds the largest is taken, the one that accuses fewest; where no
    threshold is better than chance, it is `NOBODY`. Undefined means no member or no non-member.
    """
    pairs = Pairs.sort(scores, member)
    true, false = _passed(pairs)
    return _pick(pairs.thresholds, true[None], false[None])


def leave_one_out_thresholds(scores: Floats, member: Bools) -> Floats:
    """`best_threshold` of all models but one, for each left out: (models,) of (models, records).

    One sort for all: the counts of the model left out are taken off those of all models, some models
    at a time so that the counts take about as much memory as the scores.
    """
    pairs = Pairs.sort(scores, member)
    distinct = pairs.distinct()
    true, false = _passed(pairs)
    step = max(1, 2**16 // len(true))
    found = []
    for first in range(0, pairs.n_models, step):
        models = min(step, pairs.n_models - first)
        here = (pairs.row >= first) & (pairs.row < first + models)
        cell = (pairs.row[here] - first) * np.int64(len(true)) + distinct[here]
        own = pairs.is_member[here]
        true_left = _less(true, cell[own], models)
        found.append(_pick(pairs.thresholds, true_left, _less(false, cell[~own], models)))
    return np.concatenate(found)


def _passed(pairs: Pairs) -> tuple[Ints, Ints]:
    """Members and non-members (distinct,) that score at least each threshold."""
    true = np.cumsum(pairs.is_member, dtype=np.int64)[pairs.ends - 1]
    return true, pairs.ends - true


def _less(passed: Ints, cell: Ints, models: int) -> Ints:
    """``passed`` (distinct,) without the pairs in ``cell``, one row for each of ``models``."""
    counts = np.bincount(cell, minlength=models * len(passed)).reshape(models, len(passed))
    np.cumsum(counts, axis=1, out=counts)
    return np.subtract(passed, counts, out=counts)


def _pick(thresholds: Floats, true: Ints, false: Ints) -> Floats:
    """The best of ``thresholds`` (distinct,), largest first; uses up its counts (targets, distinct).

    A value of the target's own that no shadow has is never the first of the best, for no count
    changes there.
    """
    members, nonmembers = true[:, -1:].copy(), false[:, -1:].copy()
    # (TPR - FPR) times members times non-members: whole numbers, so that ties are ties.
    true *= nonmembers
    false *= members
    true -= false
    best = true.argmax(axis=1)
    better = np.take_along_axis(true, best[:, None], axis=1)[:, 0] > 0
    found = np.where(better, thresholds[best], NOBODY)
    return np.where((members * nonmembers)[:, 0] > 0, found, np.nan)


def _by_group(
    choose: Choice,
    scores: Floats,
    member: Bools,
    groups: Ints | None,
    asked: Ints | None = None,
) -> Floats:
    """Thresholds that broadcast to (models, asked): of all records, or of each one's group.

    ``groups`` are those of the scores, ``asked`` (by default the same) those that get a threshold.
    """
    overall = choose(scores, member)[:, None]
    overall = np.where(np.isnan(overall), NOBODY, overall)
    if groups is None:
        return overall
    if groups.shape != scores.shape[1:]:
        raise ValueError(f"groups: expected shape {scores.shape[1:]}, got {groups.shape}")
    asked = groups if asked is None else asked
    found = np.broadcast_to(overall, (len(overall), len(asked))).copy()
    for group in np.unique(groups):
        inside = groups == group
        own = choose(scores[:, inside], member[:, inside])[:, None]
        found[:, asked == group] = np.where(np.isnan(own), overall, own)
    return found


def _balanced(said: Bools, member: Bools) -> float:
    """(TPR + TNR) / 2 of what was said about all pairs."""
    return float((said[member].mean() + (~said[~member]).mean()) / 2)
