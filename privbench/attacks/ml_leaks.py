"""The attack of ML-Leaks: one attack model, on the largest probabilities in order.

Salem et al. 2019, "ML-Leaks", arXiv 1806.01246, adversary 1: an attack model learns from a shadow
what members' three largest probabilities look like (two where there are two classes). It knows neither
the label nor which class each probability is of. Deviations:

- The attack model is a logistic regression on the standardised logarithms of these probabilities and
  of what is left to one, where the paper has a network of 64 hidden units: it is fitted by Newton's
  method without random numbers.
- All shadows are learned from, not one, and they answer about the pool's records themselves.
- If the shadows' records are all IN or all OUT, all scores are 0: no evidence.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, NeedsShadows, Outputs, Views
from privbench.attacks.learned import log_odds, one_blas_thread


class MlLeaks(BatchedAttack):
    """One attack model on the largest probabilities of the shadows' answers, in descending order."""

    name: ClassVar[str] = "ml-leaks"
    paper: ClassVar[str] = "Salem et al. 2019, arXiv 1806.01246"
    needs_shadows: ClassVar[NeedsShadows] = "any"

    largest: int = Field(3, ge=1, description="how many of the largest probabilities are used")
    penalty: float = Field(
        1.0, gt=0, description="L2 penalty of the attack model, on standardised features"
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Scores (targets, n_pool): the attack model's log-odds of membership."""
        shadows = self._features(views.shadows)
        same = views.targets is views.shadows
        with one_blas_thread():
            scores = log_odds(
                shadows,
                views.shadow_member,
                shadows if same else self._features(views.targets),
                self.penalty,
                leave_one_out=views.leave_one_out,
                progress=views.progress,
            )
        return np.nan_to_num(scores, nan=0.0)

    def _features(self, answers: Outputs) -> NDArray[np.float64]:
        """Logarithms of the largest probabilities, then of one minus the largest."""
        return np.stack([self._features_of(answers[model]) for model in range(len(answers))])

    def _features_of(self, answers: Outputs) -> NDArray[np.float64]:
        ordered = np.sort(answers.log_probabilities(), axis=-1)[..., ::-1]
        rest = np.logaddexp.reduce(ordered[..., 1:], axis=-1)
        return np.concatenate([ordered[..., : self.largest], rest[..., None]], axis=-1)
