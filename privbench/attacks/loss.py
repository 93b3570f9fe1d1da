"""The loss attack: records with a small loss are called members.

Yeom et al. 2018, arXiv 1709.01604, adversary 2. Deviation: the paper compares the loss with the mean
training loss; here the score is minus the loss, and the evaluation chooses the threshold.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, Task, View


class Loss(Attack):
    """Minus the loss of the record: its cross-entropy or, for regression, its squared residual."""

    name: ClassVar[str] = "loss"
    paper: ClassVar[str] = "Yeom et al. 2018, arXiv 1709.01604"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multi-label")

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), at most zero, in nats; for regression see `tasks`."""
        return view.target.log_prob_of(view.labels)
