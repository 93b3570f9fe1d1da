"""The gap attack: a record that is predicted right is taken for a member.

Yeom et al. 2018, arXiv 1709.01604, adversary 1 for bounded loss with the 0-1 loss. No deviation.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, Observes, View


class Gap(Attack):
    """One if the label is predicted right, else zero: what the accuracy gap alone gives away."""

    name: ClassVar[str] = "gap"
    paper: ClassVar[str] = "Yeom et al. 2018, arXiv 1709.01604"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    observes: ClassVar[Observes] = "labels"

    def score(self, view: View) -> NDArray[np.float64]:
        """Scores (n_pool,), each 0.0 or 1.0."""
        right: NDArray[np.bool_] = view.target.predicted == view.labels
        return right.astype(np.float64)
