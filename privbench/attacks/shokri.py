"""The shadow-model attack: attack models that learn to tell members' answers from others'.

Shokri et al. 2017, "Membership Inference Attacks Against Machine Learning Models", arXiv 1610.05820,
section V-D: one attack model per class, trained on the pairs (what shadow s answers to record x of the
class, whether s was trained on x). Deviations:

- The attack model is a logistic regression on the standardised log-probabilities, where the paper has
  a network of 64 hidden units on the probabilities: it is fitted in milliseconds by Newton's method,
  and it is convex, so that it needs no random numbers.
- The shadows answer the pool's records themselves, with the halves they were trained on as members.
- A class whose records are all IN or all OUT among the shadows is scored by one attack model that is
  fitted on all classes, on the log-probability of the label and its logit-scaled confidence. If that
  has one kind of record only as well, the score is 0: no evidence.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Answers, Attack, NeedsShadows, View
from privbench.attacks.learned import is_mixed, log_odds, one_thread


class Shokri(Attack):
    """Per-class attack models on the shadows' answer vectors."""

    name: ClassVar[str] = "shokri"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820"
    needs_shadows: ClassVar[NeedsShadows] = "any"

    penalty: float = Field(
        1.0, gt=0, description="L2 penalty of the attack models, on standardised features"
    )

    def score(self, view: View) -> NDArray[np.float64]:
        """Scores (n_pool,): the attack model's log-odds of membership."""
        with one_thread():
            return self._score(view)

    def _score(self, view: View) -> NDArray[np.float64]:
        answers = view.shadows.log_probabilities()  # (shadows, shadow records, classes)
        asked = view.target.log_probabilities()  # (n, classes)
        scores = np.empty(len(view.labels))
        mixed = np.zeros(len(view.labels), dtype=bool)
        for label in np.unique(view.labels):
            records = np.flatnonzero(view.labels == label)
            known = np.flatnonzero(view.shadow_labels == label)
            member = view.shadow_member[:, known]
            if is_mixed(member):
                scores[records] = log_odds(answers[:, known], member, asked[records], self.penalty)
                mixed[records] = True
        if not mixed.all():
            scores[~mixed] = self._log_odds_of_all(view)[~mixed]
        return scores

    def _log_odds_of_all(self, view: View) -> NDArray[np.float64]:
        """The scores (n,) of one attack model for all classes."""
        if not is_mixed(view.shadow_member):
            return np.zeros(len(view.labels))
        return log_odds(
            _label_features(view.shadows, view.shadow_labels),
            view.shadow_member,
            _label_features(view.target, view.labels),
            self.penalty,
        )


def _label_features(answers: Answers, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.stack([answers.log_prob_of(labels), answers.scaled_confidence(labels)], axis=-1)
