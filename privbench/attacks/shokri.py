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

from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, NeedsShadows, Outputs, Views
from privbench.attacks.learned import log_odds, one_blas_thread


class Shokri(BatchedAttack):
    """Per-class attack models on the shadows' answer vectors."""

    name: ClassVar[str] = "shokri"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820"
    needs_shadows: ClassVar[NeedsShadows] = "any"

    penalty: float = Field(
        1.0, gt=0, description="L2 penalty of the attack models, on standardised features"
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Scores (targets, n_pool): the attack model's log-odds of membership."""
        with one_blas_thread():
            return self._score_all(views)

    def _score_all(self, views: Views) -> NDArray[np.float64]:
        learn = partial(log_odds, penalty=self.penalty, leave_one_out=views.leave_one_out)
        scores = np.empty((len(views), len(views.labels)))
        classes = np.unique(views.labels)
        for number, label in enumerate(classes):
            records, known = views.labels == label, views.shadow_labels == label
            answers = views.shadows[:, known].log_probabilities()  # (shadows, records, classes)
            asked = views.targets[:, records].log_probabilities()
            scores[:, records] = learn(answers, views.shadow_member[:, known], asked)
            views.progress(number + 1, len(classes))
        missing = np.isnan(scores)
        if missing.any():
            of_all = learn(
                _label_features(views.shadows, views.shadow_labels),
                views.shadow_member,
                _label_features(views.targets, views.labels),
            )
            scores[missing] = np.nan_to_num(of_all[missing], nan=0.0)
        return scores


def _label_features(answers: Outputs, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.stack([answers.log_prob_of(labels), answers.scaled_confidence(labels)], axis=-1)
