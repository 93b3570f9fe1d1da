"""The gap attack: records that are predicted correctly are called members.

Yeom et al. 2018, arXiv 1709.01604, adversary 1 (bounded loss) with the 0-1 loss. No deviation.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, NeedsShadows, Observes, Task, View


class Gap(Attack):
    """Whether the target predicts the label correctly.

    A baseline: its advantage is the gap between training and test accuracy.
    """

    name: ClassVar[str] = "gap"
    paper: ClassVar[str] = "Yeom et al. 2018, arXiv 1709.01604"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    observes: ClassVar[Observes] = "labels"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "multi-label")

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,), each 0.0 or 1.0; of several labels the share that is right."""
        correct: NDArray[np.bool_] = view.target.predicted == view.labels
        if view.task == "multi-label":
            share: NDArray[np.float64] = correct.mean(axis=-1)
            return share
        return correct.astype(np.float64)
