"""The loss attack: a record with a small loss is taken for a member.

Yeom et al. 2018, arXiv 1709.01604, adversary 2. The paper compares the loss with its mean on the
training set; here the score is minus the loss, and thresholds are chosen by whoever evaluates it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, View


class Loss(Attack):
    """Log-probability of the label, which is minus the cross-entropy loss."""

    name: ClassVar[str] = "loss"
    paper: ClassVar[str] = "Yeom et al. 2018, arXiv 1709.01604"
    needs_shadows: ClassVar[NeedsShadows] = "no"

    def score(self, view: View) -> NDArray[np.float64]:
        """Scores (n_pool,), at most zero."""
        return view.target.log_prob_of(view.labels)
