"""The attack without parameters: it combines the other attacks by what works on its own shadows.

What AutoAttack is for adversarial robustness (Croce, Hein 2020, arXiv 2003.01690): one strong attack
that needs no tuning, so that a defense is not ranked by the best of many attacks on the target itself.
Every choice is made on shadows:

1. The targets are split into groups. To attack those of one group, the adversary attacks each shadow
   outside of it, by means of the other shadows outside of it, with each of the attacks below.
2. Two classifiers learn from the scores, from the confidence in the label and from the confidence in
   the predicted class which records were members of the shadows: a logistic regression and
   gradient-boosted trees. The trees are the better of the two where there is much to learn from, and
   the worse where there is little.
3. The mean of their log-odds of membership is the score of the targets.

The attacks are online and offline LiRA, RMIA, BASE, calibration, modified entropy and, where models can
be queried, label-only. Only the labels of the noisy copies are used. Parameters are not looked at. The
groups do not choose the attack that does best on their shadows: they would choose different ones, whose
scores have different scales.

A target's row of membership has no part in its scores: its group learns from other shadows. Where a
group has fewer than ``MIN_SHADOWS`` shadows to learn from, the attack is LiRA.

Attacking one target at a time gives other scores than attacking all in a leave-one-out: a single target
has no group, so that it learns from all of its shadows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, BatchedAttack, Outputs, Views
from privbench.attacks.base_attack import BaseAttack
from privbench.attacks.calibration import Calibration
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.learned import log_odds, one_blas_thread
from privbench.attacks.lira import Lira
from privbench.attacks.modified_entropy import minus_modified_entropy
from privbench.attacks.moments import Bools, Floats, of_targets_and_shadows
from privbench.attacks.own_shadows import Ints, attack_on_shadows, groups_of_targets
from privbench.attacks.rmia import Rmia

MIN_SHADOWS = 4
"""Smallest number of shadows from which the attack learns how to combine others."""
MAX_ROWS = 60_000
"""Number of (shadow, record) pairs that suffice to fit classifiers; of more, some records are used."""
LEAF_SHARE = 1 / 40
"""Smallest share of the pairs in a leaf. Where membership hardly shows, smaller leaves learn noise."""
MIN_LEAF = 20
"""Smallest number of pairs in a leaf."""
PENALTY = 30.0
"""L2 penalty of the logistic regression, on standardised features."""

ON_OUTPUTS: tuple[Attack, ...] = (
    Lira(),  # the first, which serves where there is nothing to learn from
    Lira(variance="global"),
    Lira(mode="offline"),
    BaseAttack(),
    Calibration(),
    Rmia(),
)
ON_LABELS = LabelOnly()


class Auto(BatchedAttack):
    """The other attacks, combined by what works on shadows."""

    name: ClassVar[str] = "auto"
    paper: ClassVar[str] = "after Croce, Hein 2020, arXiv 2003.01690"
    queries: ClassVar[bool] = True

    def queries_used(self) -> int:
        """Return the queries of all its attacks; that of the record itself is common to all."""
        further = [(attack.queries_used() or 1) - 1 for attack in (*ON_OUTPUTS, ON_LABELS)]
        return 1 + sum(further)

    def obstacle(self, views: Views) -> str:
        """Return what is missing; models and reference records are used, but not needed."""
        return ON_OUTPUTS[0].obstacle(views)

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): log-odds of membership, or LiRA's with few shadows."""
        groups = list(groups_of_targets(views))
        if min(len(known) for _, known in groups) < MIN_SHADOWS:
            return ON_OUTPUTS[0].score_all(views)
        with one_blas_thread():
            return self._learned(views, groups)

    def _learned(self, views: Views, groups: Sequence[tuple[Ints, Ints]]) -> Floats:
        """Return the log-odds (targets, n_pool) that each group learns from its shadows."""
        alone, shadows_alone = of_targets_and_shadows(
            views, lambda outputs: _confidences(outputs, views.labels)
        )
        answers = shadow_answers = None
        if views.records is not None and views.target_models:
            answers, shadow_answers = ON_LABELS.answers(views)
        on_targets = _features(views, alone, answers, shadow_answers)
        scores = np.empty(on_targets.shape[:2])
        done = 0
        for group, known in groups:
            own = attack_on_shadows(views, known)
            own_answers = None if shadow_answers is None else shadow_answers[known]
            features = _features(own, shadows_alone[known], own_answers, own_answers)
            scores[group] = _learned_log_odds(features, own.shadow_member, on_targets[group])
            done += len(group)
            views.progress(done, len(views))
        return scores


def _confidences(outputs: Outputs, labels: Ints) -> Floats:
    """Return what is known of each model without shadows (models, n_pool, 3).

    Its scaled confidence in the label, its log-probability of the predicted class, and minus its
    modified entropy.
    """
    confidences = np.empty((*outputs.predicted.shape, 3))
    for model, row in enumerate(confidences):
        row[:, 0] = outputs[model].scaled_confidence(labels)
        row[:, 1] = outputs[model].log_probabilities().max(axis=-1)
        row[:, 2] = minus_modified_entropy(outputs[model], labels)
    return confidences


def _features(
    views: Views, alone: Floats, answers: Floats | None, shadow_answers: Floats | None
) -> Floats:
    """Return what each attack makes of each target's records.

    Args:
        views: the views of the targets; attacks for which something is missing are left out.
        alone: (targets, n_pool, k), features of the targets that need no shadows.
        answers: (targets, n_pool), the log-odds of right answers about noisy copies; None if models
            cannot be queried.
        shadow_answers: (shadows, n_pool), those of the shadows.

    Returns:
        (targets, n_pool, features).
    """
    same_reference = views.shadow_reference.predicted.shape[-1] == len(views.reference_labels)
    features = [
        attack.score_all(views)
        for attack in ON_OUTPUTS
        if not attack.obstacle(views) and (same_reference or not attack.needs_reference)
    ]
    if answers is not None and shadow_answers is not None:
        features += [ON_LABELS.compare(views, answers, shadow_answers), answers]
    return np.concatenate([np.stack(features, axis=-1), alone], axis=-1)


def _learned_log_odds(features: Floats, member: Bools, target_features: Floats) -> Floats:
    """Fit membership to the shadows' features, and return the log-odds for the targets.

    Args:
        features: (shadows, n, features), from attacks on each shadow by means of the others.
        member: bool (shadows, n), their membership.
        target_features: (targets, m, features).

    Returns:
        (targets, m); zeros if the shadows have only members, or only non-members.
    """
    if member.all() or not member.any():
        return np.zeros(target_features.shape[:2])
    step = -(-member.size // MAX_ROWS)
    features, member = features[:, ::step], member[:, ::step]
    boosted = _boosted_log_odds(features, member, target_features)
    logistic = log_odds(
        _compressed(features),
        member,
        _compressed(target_features),
        PENALTY,
        leave_one_out=False,
    )
    return (boosted + logistic) / 2


def _boosted_log_odds(features: Floats, member: Bools, target_features: Floats) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier

    n_features = features.shape[-1]
    classifier = HistGradientBoostingClassifier(
        max_depth=4,
        learning_rate=0.05,
        max_iter=100,
        min_samples_leaf=max(MIN_LEAF, round(LEAF_SHARE * member.size)),
        early_stopping=False,
        random_state=0,
    )
    classifier.fit(features.reshape(-1, n_features), member.ravel())
    scores: Floats = classifier.decision_function(target_features.reshape(-1, n_features))
    return scores.reshape(target_features.shape[:2])


def _compressed(features: Floats) -> Floats:
    """Shorten the tails of log ratios, which have no bound, and keep the order."""
    return np.sign(features) * np.log1p(np.abs(features))
