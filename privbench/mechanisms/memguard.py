"""MemGuard: Jia et al. 2019, "Defending against Black-Box Membership Inference Attacks via
Adversarial Examples", arXiv 1909.10594.

The defender trains a classifier that separates members from non-members by the model's outputs.

1. Each output is perturbed so that this classifier is undecided and the predicted label stays (section
   4.2, algorithm 1).
2. The perturbed output is published with the probability that keeps the expected size of the
   perturbation within the budget; else the bare one is (section 4.3).
3. That random choice is a function of the output, so that repeated queries reveal nothing (section 4.4).

The classifier has two hidden layers and is trained with Adam; the published one has three.
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
    """Perturbs outputs to mislead a classifier of members."""

    name: ClassVar[str] = "memguard"
    paper: ClassVar[str] = "Jia et al. 2019, arXiv 1909.10594"
    needs_fit: ClassVar[bool] = True
    keeps_classes: ClassVar[bool] = True

    budget: float = Field(
        1.0, ge=0, le=2, description="expected L1 norm of the perturbation of an output (epsilon)"
    )
    hidden: int = Field(
        64, ge=1, description="units of each of the two hidden layers of the classifier"
    )
    epochs: int = Field(50, ge=1, description="epochs of training the classifier")
    steps: int = Field(
        300, ge=1, description="iterations of the search for a perturbation (max_iter)"
    )

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Raise TypeError, since the classifier needs the model's outputs on its members."""
        raise TypeError(f"{self.name} needs the model's outputs on members: use fit")

    def fit(self, context: OutputContext, rng: np.random.Generator) -> OutputTransform:
        """Train the classifier of one model, and return the function that perturbs its outputs."""
        classifier = self.train_classifier(context, int(rng.integers(2**63)))

        def transform(
            probabilities: NDArray[np.float64], rng: np.random.Generator
        ) -> NDArray[np.float64]:
            import numpy as np

            from privbench.mechanisms.memguard_search import perturb

            perturbed = perturb(classifier, probabilities, self.steps)
            size = np.abs(perturbed - probabilities).sum(1)
            publish_probability = self.budget / np.maximum(size, 1e-12)
            is_published = output_hashes(probabilities) < publish_probability
            return np.where(is_published[:, None], perturbed, probabilities)

        return transform

    def train_classifier(self, context: OutputContext, seed: int) -> nn.Module:
        """Train the classifier on the outputs for as many members as reference records."""
        import numpy as np

        from privbench.engine import Recipe, TrainingSets, train_population
        from privbench.mechanisms.memguard_search import MemberClassifier

        m = min(len(context.member_outputs), len(context.reference_outputs))
        rng = np.random.default_rng(seed)
        drawn = [
            outputs[rng.choice(len(outputs), m, replace=False)]
            for outputs in (context.member_outputs, context.reference_outputs)
        ]
        x, y = np.concatenate(drawn).astype(np.float32), np.repeat([1, 0], m)
        population = train_population(
            lambda: MemberClassifier(x.shape[1], self.hidden),
            TrainingSets.own(x[None], y[None]),
            Recipe("adam", 1e-3, 0.0, 0.0, self.epochs, 64),
            [seed],
        )
        return population.module(0)


def output_hashes(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hash each output of (n, n_classes) to a number in [0, 1).

    The hash is that of its log-probabilities, rounded to two digits: the output on the same record in
    another batch differs in its last bits.
    """
    import numpy as np

    rounded = np.log(np.maximum(probabilities, 1e-12)).round(2) + 0.0  # no negative zero
    digests = (hashlib.sha256(row.tobytes()).digest()[:8] for row in rounded)
    return np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
