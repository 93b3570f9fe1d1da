"""The probability p(x) that models in general give a record's label, estimated from shadows.

RMIA, InfoRMIA and BASE divide by p(x) what the target gives, p(x|target). A model in general was trained
on the record with probability one half, so that

    p(x) = (mean over IN shadows + mean over OUT shadows) / 2

The mean over all shadows is the same where exactly half of a record's shadows are IN. Here rows of
membership are independent, and the share of IN shadows varies between records; it would enter the plain
mean as noise.
"""

from __future__ import annotations

import numpy as np

from privbench.attacks.base import Views
from privbench.attacks.moments import Bools, Floats, chunks, fill_missing, means

MIN_PROBABILITY = 1e-300
"""Floor that avoids log(0)."""


def balanced_means(log_probs: Floats, member: Bools, leave_one_out: bool) -> Floats:
    """Return p(x), the average of each record's mean IN and mean OUT probability.

    A mean of a record without such shadows is taken to be its other mean plus or minus the mean gap:

    1. The gap is the mean of IN mean minus OUT mean over the records that have both.
    2. Where no record has both, it is the difference of the means over all records.
    3. Where all shadows are IN, or all are OUT, it is zero.

    Args:
        log_probs: (shadows, n), log-probabilities of the labels under the shadows.
        member: bool (shadows, n), the membership of the shadows.
        leave_one_out: whether shadow i is target i, and is left out for it.

    Returns:
        (targets, n), or (1, n) where all targets have the same shadows; positive.
    """
    inside = _side_means(log_probs, member, leave_one_out)
    outside = _side_means(log_probs, ~member, leave_one_out)
    both = ~(np.isnan(inside) | np.isnan(outside))
    gap = np.where(
        both.any(axis=1, keepdims=True),
        _mean_of(inside - outside, both),
        _mean_of(inside, ~np.isnan(inside)) - _mean_of(outside, ~np.isnan(outside)),
    )
    gap = np.nan_to_num(gap)  # one side is missing for all records
    filled_in = np.where(np.isnan(inside), np.clip(outside + gap, 0, 1), inside)
    filled_out = np.where(np.isnan(outside), np.clip(inside - gap, 0, 1), outside)
    return np.maximum(fill_missing((filled_in + filled_out) / 2), MIN_PROBABILITY)


def out_means(log_probs: Floats, member: Bools, leave_one_out: bool) -> Floats:
    """Return the mean probability of each record's label under its OUT shadows.

    A record without an OUT shadow gets the average of this mean over the other records. The arguments
    and the result are those of `balanced_means`.
    """
    return np.maximum(fill_missing(_side_means(log_probs, ~member, leave_one_out)), MIN_PROBABILITY)


def of_reference(views: Views) -> tuple[Floats, Floats]:
    """Return log p(z|target) (targets, n_reference) and p(z) of the reference records z.

    p(z) is a mean over all shadows, (targets or 1, n_reference), for none was trained on z.
    """
    log_probs = views.target_reference.log_prob_of(views.reference_labels)
    of_shadows = views.shadow_reference.log_prob_of(views.reference_labels)
    no_members = np.zeros(of_shadows.shape, dtype=bool)
    return log_probs, out_means(of_shadows, no_members, views.leave_one_out)


def _side_means(log_probs: Floats, used: Bools, leave_one_out: bool) -> Floats:
    """Return mean probabilities (targets or 1, n) over the shadows ``used``; NaN without any."""
    mean = np.empty((len(log_probs) if leave_one_out else 1, log_probs.shape[1]))
    for part in chunks(*log_probs.shape):
        probabilities = np.exp(log_probs[:, part])
        mean[:, part] = means(probabilities, used[:, part], leave_one_out=leave_one_out)
    return mean


def _mean_of(values: Floats, known: Bools) -> Floats:
    """Return the mean (targets, 1) of the values that are known; NaN where none is."""
    average = fill_missing(
        np.append(np.where(known, values, np.nan), np.full_like(values[:, :1], np.nan), 1)
    )
    mean: Floats = np.where(known.any(axis=1), average[:, -1], np.nan)[:, None]
    return mean
