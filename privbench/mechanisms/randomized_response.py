"""Randomised response on labels: Warner 1965; label DP of Ghazi et al. 2021, arXiv 2102.06062.

With k classes, a label is kept with probability e^epsilon / (e^epsilon + k - 1), and is otherwise drawn
uniformly from the other labels. The largest ratio of two probabilities is e^epsilon, so the guarantee
is exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.data import Data
from privbench.mechanisms.base import DataMechanism
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.privacy.conditions import ONLY_LABELS_COVERED, as_conditions

if TYPE_CHECKING:
    import numpy as np


class RandomizedResponse(DataMechanism):
    """Replaces labels at random before training."""

    name: ClassVar[str] = "randomized-response"
    paper: ClassVar[str] = "Warner 1965; Ghazi et al. 2021, arXiv 2102.06062"
    record_wise: ClassVar[bool] = True

    epsilon: float = Field(gt=0, le=100, description="epsilon of the local DP of a label")

    def keep_probability(self, n_classes: int) -> float:
        """Return the probability that a label is kept."""
        return 1 / (1 + (n_classes - 1) * math.exp(-self.epsilon))

    def apply(self, data: Data, rng: np.random.Generator) -> Data:
        """Return the same records with randomised labels."""
        import numpy as np

        k = data.spec.n_classes
        is_replaced = rng.random(len(data)) >= self.keep_probability(k)
        other_label = (data.y + rng.integers(1, k, len(data))) % k
        return Data(data.x, np.where(is_replaced, other_label, data.y), data.spec)

    def guarantee(self, context: GuaranteeContext) -> Guarantee:
        """Return local DP of labels."""
        conditions = as_conditions((ONLY_LABELS_COVERED, "each label is released once"))
        return Guarantee(
            "local-dp", self.epsilon, 0.0, "local", "closed form", conditions, "labels"
        )
