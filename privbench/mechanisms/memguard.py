"""MemGuard: Jia et al. 2019, "Defending against Black-Box Membership Inference Attacks via
Adversarial Examples", arXiv 1909.10594.

The owner trains a classifier of members by answer, and answers with the smallest change that makes this
classifier undecided without changing the predicted label (section 4.2, algorithm 1); the change is
given with the probability that keeps its expected size within a budget (section 4.3). The coin is
tossed once for each answer, so asking again says nothing new (section 4.4). The published classifier has
three hidden layers, ours two, and is trained by Adam.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import OutputContext, OutputMechanism, OutputTransform

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn


class MemGuard(OutputMechanism):
    """Changes the answers so that the owner's own attack cannot tell members."""

    name: ClassVar[str] = "memguard"
    paper: ClassVar[str] = "Jia et al. 2019, arXiv 1909.10594"
    fitted: ClassVar[bool] = True

    budget: float = Field(
        1.0, ge=0, le=2, description="expected L1 size of the change of an answer (epsilon)"
    )
    hidden: int = Field(64, ge=1, description="units of each of the classifier's two hidden layers")
    epochs: int = Field(50, ge=1, description="passes over members and reference records")
    steps: int = Field(300, ge=1, description="of the search for a change (max_iter)")

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Not possible without the model."""
        raise TypeError(f"{self.name} needs the model's answers to members: use fit")

    def fit(self, context: OutputContext, rng: np.random.Generator) -> OutputTransform:
        """Train the classifier of members, and answer so that it is undecided."""
        classifier = self._classifier(context, int(rng.integers(2**63)))

        def answer(
            probabilities: NDArray[np.float64], rng: np.random.Generator
        ) -> NDArray[np.float64]:
            import numpy as np

            from privbench.mechanisms.memguard_search import undecided

            changed = undecided(classifier, probabilities, self.steps)
            size = np.abs(changed - probabilities).sum(1)
            chance = self.budget / np.maximum(size, 1e-12)
            given = coins(probabilities) < chance
            return np.where(given[:, None], changed, probabilities)

        return answer

    def _classifier(self, context: OutputContext, seed: int) -> nn.Module:
        """Trained on as many members as reference records."""
        import numpy as np

        from privbench.engine import Recipe, TrainingSets, train_population
        from privbench.mechanisms.memguard_search import MemberClassifier

        m = min(len(context.members), len(context.reference))
        rng = np.random.default_rng(seed)
        parts = [
            one[rng.choice(len(one), m, replace=False)]
            for one in (context.members, context.reference)
        ]
        x, y = np.concatenate(parts).astype(np.float32), np.repeat([1, 0], m)
        population = train_population(
            lambda: MemberClassifier(x.shape[1], self.hidden),
            TrainingSets.own(x[None], y[None]),
            Recipe("adam", 1e-3, 0.0, 0.0, self.epochs, 64),
            [seed],
        )
        return population.module(0)


def coins(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """A number in [0, 1) for each answer (n,), which follows from the answer alone.

    From its logarithms to two digits: the same question in another batch has other last bits.
    """
    import numpy as np

    coarse = np.log(np.maximum(probabilities, 1e-12)).round(2) + 0.0  # no negative zero
    digests = (hashlib.sha256(row.tobytes()).digest()[:8] for row in coarse)
    return np.array([int.from_bytes(one, "big") / 2**64 for one in digests])
