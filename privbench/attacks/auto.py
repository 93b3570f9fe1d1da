"""The attack without parameters: it combines the other attacks by what works on its own shadows.

What AutoAttack is for adversarial robustness (Croce, Hein 2020, arXiv 2003.01690): one strong attack that
needs no tuning, so that a defense is not ranked by the best of many attacks on the target itself. Every
choice is made on shadows:

1. The shadows are split into groups. To attack the targets of one group, the adversary attacks each shadow
   outside of it, with the other shadows outside of it, by each of the attacks below.
2. A gradient-boosted classifier learns from these scores which records were members.
3. On halves of the shadows that it was not fitted on, its AUC is compared with that of each single attack.
   The best of them attacks the targets of the group.

What a target must not use, its own row of membership, has no part in its scores: neither its outputs nor
its row is among what its group learns from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, BatchedAttack, Views
from privbench.attacks.calibration import Calibration
from privbench.attacks.lira import Lira
from privbench.attacks.modified_entropy import ModifiedEntropy
from privbench.attacks.moments import Bools, Floats
from privbench.attacks.rmia import Rmia

GROUPS = 4
"""Groups of targets; more of them cost more fits, and leave more shadows to learn from."""
LEAST = 4
"""Shadows that are needed to learn how to combine attacks; with fewer of them it is LiRA."""


class Auto(BatchedAttack):
    """The other attacks, combined by what works on shadows."""

    name: ClassVar[str] = "auto"
    paper: ClassVar[str] = "after Croce, Hein 2020, arXiv 2003.01690"

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): log-odds of membership, or the scores of the best attack."""
        scores = np.empty((len(views), len(views.labels)))
        on_targets = _features(views)
        groups = [np.arange(len(views))]
        if views.leave_one_out:
            groups = [groups[0][start::GROUPS] for start in range(min(GROUPS, len(views)))]
        for done, group in enumerate(groups):
            known = np.arange(len(views.shadows))
            if views.leave_one_out:
                known = np.setdiff1d(known, group)
            scores[group] = _Combination.learn(_among_shadows(views, known)).score(
                on_targets[group]
            )
            views.progress(done + 1, len(groups))
        return scores


@dataclass(frozen=True)
class _Combination:
    """How features (..., features) become a score: by a classifier, or as one of them."""

    classifier: object | None
    best: int

    @classmethod
    def learn(cls, shadows: Views) -> _Combination:
        """Choose on shadows, each the target once and the others its shadows."""
        if len(shadows) < LEAST:
            return cls(None, 0)
        features, member = _features(shadows), shadows.shadow_member
        single = [_auc(features[..., i], member) for i in range(features.shape[-1])]
        best = int(np.argmax(single))
        halves = np.arange(len(member)) % 2 == 0
        combined = np.empty(member.shape)
        for half in (halves, ~halves):
            combined[~half] = _log_odds(_fit(features[half], member[half]), features[~half])
        if _auc(combined, member) < single[best]:
            return cls(None, best)
        return cls(_fit(features, member), best)

    def score(self, features: Floats) -> Floats:
        """Return scores (targets, n_pool) from features (targets, n_pool, features)."""
        if self.classifier is None:
            return features[..., self.best]
        return _log_odds(self.classifier, features)


def _attacks() -> Sequence[Attack]:
    return (
        Lira(),
        Lira(variance="global"),
        Lira(mode="offline"),
        Rmia(),
        Calibration(),
        ModifiedEntropy(),
    )


def _features(views: Views) -> Floats:
    """Return what each attack makes of each target's records: (targets, n_pool, features).

    The attacks' scores, then the scaled confidence of the label and of the predicted class. Attacks that
    need reference records are left out where there are none.
    """
    scores = [attack.score_all(views) for attack in _attacks() if not attack.obstacle(views)]
    confidence = views.targets.scaled_confidence(views.labels)
    certainty = views.targets.log_probabilities().max(-1)
    return np.stack([*scores, confidence, certainty], axis=-1)


def _among_shadows(views: Views, known: NDArray[np.int64]) -> Views:
    """Return the views of an adversary who attacks its own shadows, each by means of the others."""
    shadows = views.shadows[known]
    reference = views.shadow_reference[known]
    return replace(
        views,
        targets=shadows,
        shadows=shadows,
        shadow_member=views.shadow_member[known],
        leave_one_out=True,
        target_reference=reference,
        shadow_reference=reference,
        rngs=[np.random.default_rng(0) for _ in known],
        target_models=(),
        shadow_models=(),
        progress=lambda done, total: None,
    )


def _fit(features: Floats, member: Bools) -> object:
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier = HistGradientBoostingClassifier(
        max_depth=4, max_iter=100, learning_rate=0.05, early_stopping=False, random_state=0
    )
    return classifier.fit(features.reshape(-1, features.shape[-1]), member.ravel())


def _log_odds(classifier: object, features: Floats) -> Floats:
    rows = features.reshape(-1, features.shape[-1])
    found: Floats = classifier.decision_function(rows).reshape(features.shape[:-1])  # type: ignore[attr-defined]
    return found


def _auc(scores: Floats, member: Bools) -> float:
    from scipy.stats import rankdata

    ranks, inside = rankdata(scores.ravel()), member.ravel()
    n_in, n_out = inside.sum(), (~inside).sum()
    return float((ranks[inside].sum() - n_in * (n_in + 1) / 2) / (n_in * n_out))
