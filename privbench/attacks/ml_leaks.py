"""The ML-Leaks attack: one attack model on the largest probabilities, sorted.

Salem et al. 2019, "ML-Leaks", arXiv 1806.01246, adversary 1. An attack model learns from a shadow how
the three largest probabilities of members differ from those of non-members (two where there are two
classes). It uses neither the label nor which class a probability belongs to.

Deviations:

- The attack model is a logistic regression on the standardised logarithms of these probabilities and
  of one minus the largest. The paper uses a network with 64 hidden units; the regression is fitted by
  Newton's method and needs no random numbers.
- It is trained on all shadows rather than one, and on their outputs for the pool's records themselves.
- If all of the shadows' records are IN, or all are OUT, all scores are 0, which is no evidence.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import BatchedAttack, NeedsShadows, Views
from privbench.attacks.learned import log_odds, one_blas_thread
from privbench.attacks.moments import of_targets_and_shadows
from privbench.attacks.outputs import Outputs


class MlLeaks(BatchedAttack):
    """One attack model on the largest probabilities, sorted."""

    name: ClassVar[str] = "ml-leaks"
    paper: ClassVar[str] = "Salem et al. 2019, arXiv 1806.01246"
    arrays: ClassVar[int] = 32
    needs_shadows: ClassVar[NeedsShadows] = "any"
    additive: ClassVar[bool] = True

    largest: int = Field(3, ge=1, description="number of the largest probabilities to use")
    penalty: float = Field(
        1.0, gt=0, description="L2 penalty of the attack model, on standardised features"
    )

    def score_all(self, views: Views) -> NDArray[np.float64]:
        """Return scores (targets, n_pool): the attack model's log-odds of membership."""
        targets, shadows = of_targets_and_shadows(views, self._features)
        with one_blas_thread():
            scores = log_odds(
                shadows,
                views.shadow_member,
                targets,
                self.penalty,
                leave_one_out=views.leave_one_out,
                progress=views.progress,
            )
        return np.nan_to_num(scores, nan=0.0)

    def _features(self, outputs: Outputs) -> NDArray[np.float64]:
        """Return the features (models, n, k) of the outputs of several models."""
        return np.stack([self._features_of(outputs[model]) for model in range(len(outputs))])

    def _features_of(self, outputs: Outputs) -> NDArray[np.float64]:
        """Return the logarithms of the largest probabilities, then of one minus the largest."""
        ordered = np.sort(outputs.log_probabilities(), axis=-1)[..., ::-1]
        rest = np.logaddexp.reduce(ordered[..., 1:], axis=-1)
        return np.concatenate([ordered[..., : self.largest], rest[..., None]], axis=-1)
