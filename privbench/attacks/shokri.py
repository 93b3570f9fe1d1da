"""The shadow-model attack: attack models that learn membership from the shadows' outputs.

Shokri et al. 2017, "Membership Inference Attacks Against Machine Learning Models", arXiv 1610.05820,
section V-D: one attack model per class, trained on the outputs of shadow s for record x of the class,
with whether s was trained on x as the label.

Deviations:

- The attack model is a logistic regression on the standardised log-probabilities. The paper uses a
  network with 64 hidden units on the probabilities; the regression is convex and is fitted by Newton's
  method, so it needs no random numbers.
- The shadows are queried on the pool's records themselves; those that they were trained on are members.
- A class whose records are all IN, or all OUT, among the shadows is scored by one attack model fitted to
  all classes, on the log-probability of the label and the logit-scaled confidence. If the records of
  all classes are all IN, or all OUT, the score is 0, which is no evidence.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, NeedsShadows, Views
from privbench.attacks.learned import log_odds, one_blas_thread
from privbench.attacks.outputs import Outputs


class Shokri(BatchedAttack):
    """One attack model per class, on all probabilities."""

    name: ClassVar[str] = "shokri"
    paper: ClassVar[str] = "Shokri et al. 2017, arXiv 1610.05820"
    arrays: ClassVar[int] = 32
    needs_shadows: ClassVar[NeedsShadows] = "any"
    additive: ClassVar[bool] = True

    penalty: float = Field(
        1.0, gt=0, description="L2 penalty of the attack models, on standardised features"
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): the attack models' log-odds of membership."""
        with one_blas_thread():
            return self._score_all(views)

    def _score_all(self, views: Views) -> NDArray[np.float64]:
        learn = partial(log_odds, penalty=self.penalty, leave_one_out=views.leave_one_out)
        scores = np.empty((len(views), len(views.labels)))
        classes = np.unique(views.labels)
        for number, label in enumerate(classes):
            in_pool, in_shadows = views.labels == label, views.shadow_labels == label
            shadows = views.shadows[:, in_shadows].log_probabilities()  # (shadows, n, classes)
            targets = views.targets[:, in_pool].log_probabilities()
            scores[:, in_pool] = learn(shadows, views.shadow_member[:, in_shadows], targets)
            views.progress(number + 1, len(classes))
        missing = np.isnan(scores)
        if missing.any():
            all_classes = learn(
                _label_features(views.shadows, views.shadow_labels),
                views.shadow_member,
                _label_features(views.targets, views.labels),
            )
            scores[missing] = np.nan_to_num(all_classes[missing], nan=0.0)
        return scores


def _label_features(outputs: Outputs, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the features (models, n, 2) that mean the same for every class."""
    return np.stack([outputs.log_prob_of(labels), outputs.scaled_confidence(labels)], axis=-1)
