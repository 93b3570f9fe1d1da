"""The attack without parameters: it combines the other attacks by what works on its own shadows.

What AutoAttack is for adversarial robustness (Croce, Hein 2020, arXiv 2003.01690): one strong attack
that needs no tuning, so that a defense is not ranked by the best of many attacks on the target itself.
The combination is learned on shadows:

1. The targets are split into groups. To attack those of one group, the adversary attacks each shadow
   outside of it, by means of the other shadows outside of it, with each of the attacks below.
2. A logistic regression learns from the scores, from `distances` and from the confidences in the label
   and in the predicted class which records were members of the shadows. It is shrunk towards a mean of
   four scores as far as serves best on shadows that were not fitted.
3. Its log-odds of membership are the scores of the targets.

The attacks are online and offline LiRA, RMIA, BASE, calibration, modified entropy and, where models can
be queried, label-only. Only the labels of the noisy copies are used. Parameters are not looked at. The
groups do not choose the attack that does best on their shadows: they would choose different ones, whose
scores have different scales.

Queries of each record, of the target and of every shadow, beside those of label-only:

- ``QUERIES`` in all, averaged (see `repeated`), where training augments records or two queries of the
  first target give different answers;
- one otherwise.

What an adversary learns from undefended shadows need not hold for a defended target. A feature whose
values on the targets are unlike those on the shadows is left out; see `steady`.

A target's row of membership has no part in its scores: its group learns from other shadows. Where a
group has fewer than ``MIN_SHADOWS`` shadows to learn from, the attack is LiRA.

Limits:

- Which of many attacks is best on a target is known only afterwards. Where hardly anything can be
  learned, a single one may be better by a few thousandths of AUC. bench/yardstick.py shows the
  difference of each row.
- It learns from all records of the pool. What shows membership of canaries alone is not learned: on
  canaries of Location-30 behind ``top-k``, label-only has an AUC of .983, and this attack one of .962.
- With naive shadows it may lose more, for they say little about which attack will work: on Fashion-MNIST
  behind ``label-only``, .027 of AUC on records and .083 on canaries.

The features, ``MAX_DRIFT`` and the grid ``PENALTIES`` were chosen by looking at the AUC on targets of
Digits and Fashion-MNIST. The shadows choose the rest.

Attacking one target at a time gives other scores than attacking all in a leave-one-out: a single target
has no group, so that it learns from all of its shadows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, BatchedAttack, Task, Views
from privbench.attacks.base_attack import BaseAttack
from privbench.attacks.calibration import Calibration
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.learned import fit, one_blas_thread
from privbench.attacks.lira import Lira
from privbench.attacks.modified_entropy import minus_modified_entropy
from privbench.attacks.moments import Bools, Floats, Moments, chunks, of_targets_and_shadows
from privbench.attacks.outputs import Outputs
from privbench.attacks.own_shadows import Ints, attack_on_shadows, groups_of_targets
from privbench.attacks.repeated import answers_at_random, averaged
from privbench.attacks.rmia import Rmia

MIN_SHADOWS = 4
"""Smallest number of shadows from which the attack learns how to combine others."""
QUERIES = 16
"""Number of queries of each record where more than one helps."""
MAX_ROWS = 60_000
"""Number of (shadow, record) pairs that suffice for the regression; of more, some records are used."""
PENALTIES = (30.0, 300.0, 3000.0, 30_000.0)
"""L2 penalties of the logistic regression, on standardised features, of which shadows choose one."""
N_FOLDS = 2
"""Number of parts of the shadows, each predicted by the others, to choose the penalty."""
N_THINNED = 2
"""One of how many records serves to choose the penalty."""
MAX_DRIFT = 3.0
"""How far a feature's mean, or its spread, on targets may be from that on shadows; see `steady`."""
PRIOR_FREEDOM = 4
"""Number of shadows that the typical variance counts for, beside those of a record."""

ON_OUTPUTS: tuple[Attack, ...] = (
    BaseAttack(),  # the first, which is used if no feature is steady
    Lira(),
    Calibration(),
    Lira(variance="global"),
    Lira(mode="offline"),
    Rmia(),
)
ON_LABELS = LabelOnly()
N_DISTANCES = 3
"""How many features `distances` returns."""
N_TRUSTED = 4
"""The first features, the mean of which is the combination where there is little to learn from: BASE,
LiRA, calibration and the first of the `distances`."""


class Auto(BatchedAttack):
    """LiRA, RMIA, BASE, calibration and label-only, combined by what works on shadows.

    A logistic regression learns the combination from attacks on shadows by means of other shadows. Other
    attacks of a benchmark have no part in it. With fewer than six models (or four shadows
    of a single target) there is too little to learn from, and it is LiRA.
    """

    name: ClassVar[str] = "auto"
    paper: ClassVar[str] = "after Croce, Hein 2020, arXiv 2003.01690"
    queries: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")
    additive: ClassVar[bool] = True
    arrays: ClassVar[int] = 80

    def queries_used(self) -> int:
        """Return the largest number: ``QUERIES`` that are averaged, and the copies of `label-only`."""
        return QUERIES + ON_LABELS.queries_used() - 1

    def uses_reference(self) -> bool:
        """Return True: `rmia` is one of its attacks where there are reference records."""
        return True

    def obstacle(self, views: Views) -> str:
        """Return what is missing; models and reference records are used, but not needed."""
        return Lira().obstacle(views)

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): log-odds of membership, or LiRA's with few shadows."""
        groups = list(groups_of_targets(views))
        if min(len(known) for _, known in groups) < MIN_SHADOWS:
            return Lira().score_all(views)
        with one_blas_thread():
            return self._learned(views, groups)

    def _learned(self, views: Views, groups: Sequence[tuple[Ints, Ints]]) -> Floats:
        """Return the log-odds (targets, n_pool) that each group learns from its shadows."""
        answers = shadow_answers = None
        if views.records is not None and views.target_models:
            answers, shadow_answers = ON_LABELS.answers(views)
            if views.augment is not None or answers_at_random(views):
                views = averaged(views, QUERIES)
        alone, shadows_alone = of_targets_and_shadows(
            views, lambda outputs: _confidences(outputs, views.labels, views.task)
        )
        on_targets = _features(views, alone, shadows_alone, answers, shadow_answers)
        scores = np.empty(on_targets.shape[:2])
        done = 0
        for group, known in groups:
            own = attack_on_shadows(views, known)
            own_alone = shadows_alone[known]
            own_answers = None if shadow_answers is None else shadow_answers[known]
            features = _features(own, own_alone, own_alone, own_answers, own_answers)
            scores[group] = _learned_log_odds(features, own.shadow_member, on_targets[group])
            done += len(group)
            views.progress(done, len(views))
        return scores


def _confidences(outputs: Outputs, labels: Ints, task: Task) -> Floats:
    """Return what is known of each model without shadows (models, n_pool, 3).

    Its scaled confidence in the label, its log-probability of the predicted class, and minus its
    modified entropy. For other tasks than classification, it is the scaled confidence alone.
    """
    if task != "classification":
        return outputs.scaled_confidence(labels)[..., None]
    confidences = np.empty((*outputs.predicted.shape, 3))
    for model, row in enumerate(confidences):
        row[:, 0] = outputs[model].scaled_confidence(labels)
        row[:, 1] = outputs[model].log_probabilities().max(axis=-1)
        row[:, 2] = minus_modified_entropy(outputs[model], labels)
    return confidences


def _features(
    views: Views,
    alone: Floats,
    shadows_alone: Floats,
    answers: Floats | None,
    shadow_answers: Floats | None,
) -> Floats:
    """Return what each attack makes of each target's records.

    Args:
        views: the views of the targets; attacks for which something is missing are left out.
        alone: (targets, n_pool, 3 or 1), the `_confidences` of the targets.
        shadows_alone: (shadows, n_pool, 3 or 1), those of the shadows.
        answers: (targets, n_pool), the log-odds of right answers about noisy copies; None if models
            cannot be queried.
        shadow_answers: (shadows, n_pool), those of the shadows.

    Returns:
        (targets, n_pool, features). The tails of log ratios, which have no bound, are shortened.
    """
    same_reference = views.shadow_reference.predicted.shape[1] == len(views.reference_labels)
    attacks = [
        attack
        for attack in ON_OUTPUTS
        if not attack.obstacle(views) and (same_reference or not attack.needs_reference)
    ]
    n_answers = 0 if answers is None or shadow_answers is None else 2
    n_features = len(attacks) + N_DISTANCES + n_answers + alone.shape[-1]
    # One array, filled one feature after another: together they are most of what this attack takes.
    features = np.empty((*alone.shape[:2], n_features))
    column = 0

    def add(values: Floats) -> None:
        nonlocal column
        features[..., column] = np.sign(values) * np.log1p(np.abs(values))
        column += 1

    n_before = N_TRUSTED - 1
    for attack in attacks[:n_before]:
        add(attack.score_all(views))
    for distance in distances(
        alone[..., 0], shadows_alone[..., 0], views.shadow_member, views.leave_one_out
    ):
        add(distance)
    for attack in attacks[n_before:]:
        add(attack.score_all(views))
    if answers is not None and shadow_answers is not None:
        add(ON_LABELS.compare(views, answers, shadow_answers))
        add(answers)
    for number in range(alone.shape[-1]):
        add(alone[..., number])
    return features


def distances(phi: Floats, shadows: Floats, member: Bools, leave_one_out: bool) -> list[Floats]:
    """Return how far ``phi`` is above the middle between its IN and OUT means.

    This is the log-likelihood ratio of two normals with the same variance, up to a factor. It says
    more than LiRA where shadows hardly suffice to tell the variances apart. Where a record lacks IN or
    OUT shadows, the middle is the mean of the others, less or plus half the mean gap.

    Args:
        phi: (targets, n), a statistic of the targets.
        shadows: (shadows, n), the statistic of the shadows.
        member: bool (shadows, n), the membership of the shadows.
        leave_one_out: whether shadow i is target i, and is left out for it.

    Returns:
        Three times (targets, n): the distance, and that divided by the standard deviation and by the
        variance. Variances are shrunk towards the median of all records.
    """
    shape = len(phi) if leave_one_out else 1, phi.shape[1]
    middle, variance, freedom = np.empty(shape), np.empty(shape), np.empty(shape)
    gap = _mean_gap(shadows, member, leave_one_out)
    for part in chunks(*shadows.shape):
        in_, out = (
            Moments.of(shadows[:, part], used[:, part], leave_one_out=leave_one_out)
            for used in (member, ~member)
        )
        inside = np.where(in_.count > 0, in_.mean, out.mean + gap)
        outside = np.where(out.count > 0, out.mean, in_.mean - gap)
        middle[:, part] = (inside + outside) / 2
        freedom[:, part] = np.maximum(in_.count + out.count - 2, 0)
        variance[:, part] = (in_.squares + out.squares) / np.maximum(freedom[:, part], 1)
    typical = np.median(variance, axis=1, keepdims=True) + 1e-6
    shrunk = (freedom * variance + PRIOR_FREEDOM * typical) / (freedom + PRIOR_FREEDOM)
    distance = phi - middle
    return [distance, distance / np.sqrt(shrunk), distance / shrunk]


def _mean_gap(shadows: Floats, member: Bools, leave_one_out: bool) -> Floats:
    """Return the mean (targets or 1, 1) of IN mean minus OUT mean over records that have both."""
    total = count = np.zeros((1, 1))
    for part in chunks(*shadows.shape):
        in_, out = (
            Moments.of(shadows[:, part], used[:, part], leave_one_out=leave_one_out)
            for used in (member, ~member)
        )
        both = (in_.count > 0) & (out.count > 0)
        total = total + np.where(both, in_.mean - out.mean, 0.0).sum(axis=1, keepdims=True)
        count = count + both.sum(axis=1, keepdims=True)
    gap: Floats = total / np.maximum(count, 1)
    return gap


def _learned_log_odds(features: Floats, member: Bools, target_features: Floats) -> Floats:
    """Fit membership to the shadows' features, and return the log-odds for the targets.

    Args:
        features: (shadows, n, features), from attacks on each shadow by means of the others.
        member: bool (shadows, n), their membership.
        target_features: (targets, m, features).

    Returns:
        (targets, m); zeros if the shadows have only members, or only non-members.
    """
    log_odds = np.zeros(target_features.shape[:2])
    if member.all() or not member.any():
        return log_odds
    used, choice = np.unique(steady(features, target_features), axis=0, return_inverse=True)
    for i, columns in enumerate(used):
        targets = choice.ravel() == i
        log_odds[targets] = _regression(
            features[..., columns],
            member,
            target_features[targets][..., columns],
            columns[:N_TRUSTED].sum(),
        )
    return log_odds


def _regression(features: Floats, member: Bools, target_features: Floats, n_trusted: int) -> Floats:
    """Return the log-odds (targets, m) by a logistic regression that is shrunk towards a mean.

    Standardised features and, as a further one, the mean of the first ``n_trusted`` are its inputs.
    All weights but that of the mean have a penalty. It is the one of ``PENALTIES`` with which shadows
    that were not fitted are predicted best.
    """
    centre, spread = features.mean(axis=(0, 1)), features.std(axis=(0, 1))
    spread[spread < 1e-6] = 1.0  # a constant feature carries no information, whatever its scale

    def inputs(of: Floats) -> Floats:
        x = (of - centre) / spread
        trusted = x[..., : n_trusted or None].mean(axis=-1, keepdims=True)
        return np.concatenate([x, trusted, np.ones_like(trusted)], axis=-1)

    def penalties(penalty: float) -> Floats:
        return np.append(np.full(features.shape[-1], penalty), [1.0, 0.0])

    order = np.random.default_rng(0).permutation(member.shape[1])  # labels may alternate
    some = order[: max(1, MAX_ROWS // len(member))]
    x, y = inputs(features[:, some]), member[:, some]
    n_few = -(-len(some) // N_THINNED)
    losses = np.zeros(len(PENALTIES))
    for first in range(N_FOLDS):
        is_held_out = np.arange(len(x)) % N_FOLDS == first
        few, y_few = x[~is_held_out, :n_few], y[~is_held_out, :n_few]
        if y_few.all() or not y_few.any():
            continue
        for i, penalty in enumerate(PENALTIES):
            weights = fit(few, y_few, penalties(penalty / N_THINNED))
            sign = np.where(y[is_held_out], 1, -1)
            losses[i] += np.logaddexp(0, -sign * (x[is_held_out] @ weights)).sum()
    weights = fit(x, y, penalties(PENALTIES[int(np.argmin(losses))]))
    log_odds: Floats = inputs(target_features) @ weights
    return log_odds


def steady(features: Floats, target_features: Floats) -> Bools:
    """Return which features (targets, features) have values on a target like those on the shadows.

    The mean over records, and the logarithm of their spread, may be at most ``MAX_DRIFT`` times as far
    from the average shadow as the furthest shadow is. Outputs of a defended target are often further
    from those of undefended shadows, except for what the defense leaves as it is, such as the labels of
    noisy copies under noise on outputs. Where no feature is steady, the first is taken.
    """
    is_steady = np.ones((len(target_features), features.shape[-1]), dtype=bool)
    for statistic in (_mean, _log_spread):
        of_shadows = statistic(features)  # (shadows, features)
        centre = of_shadows.mean(axis=0)
        furthest = np.abs(of_shadows - centre).max(axis=0)
        is_steady &= np.abs(statistic(target_features) - centre) <= MAX_DRIFT * furthest + 1e-9
    is_steady[:, 0] |= ~is_steady.any(axis=1)
    return is_steady


def _mean(features: Floats) -> Floats:
    mean: Floats = features.mean(axis=1)
    return mean


def _log_spread(features: Floats) -> Floats:
    spread: Floats = np.log(features.std(axis=1) + 1e-6)
    return spread
