"""LOGAN: a discriminator between synthetic and reference records (the black-box attack).

Hayes, Melis, Danezis, De Cristofaro 2019, "LOGAN: Membership Inference Attacks Against Generative
Models", arXiv 1705.07663. The adversary trains a discriminator of its own, and records that it takes for
synthetic are called members. Each discriminator is trained on a random subset of the reference records
if there are more than ``references`` for each synthetic one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from privbench.attacks.base import NeedsShadows
from privbench.attacks.synthetic import BatchedSyntheticAttack, Floats, SyntheticViews, flat

if TYPE_CHECKING:
    from torch import Tensor, nn


class Logan(BatchedSyntheticAttack):
    """Discriminator between synthetic and reference records."""

    name: ClassVar[str] = "logan"
    paper: ClassVar[str] = "Hayes et al. 2019, arXiv 1705.07663"
    needs_shadows: ClassVar[NeedsShadows] = "no"

    hidden: int = Field(
        128, ge=1, description="number of units in the discriminator's hidden layer"
    )
    epochs: int = Field(20, ge=1, description="training epochs of the discriminator")
    references: int = Field(
        4, ge=1, description="largest number of reference records per synthetic one"
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool): the discriminators' logits of being synthetic."""
        from torch import nn

        from privbench.engine import (
            Batch,
            Forward,
            Recipe,
            TrainingSets,
            cross_entropy,
            train_population,
        )

        n = min(len(data) for data in views.targets)
        n_reference = min(self.references * n, len(views.reference))
        synthetic = np.concatenate([flat(data.x)[:n] for data in views.targets])
        x = np.concatenate([synthetic, flat(views.reference.x)])
        y = np.repeat([1, 0], [len(synthetic), len(views.reference)])
        synthetic_index = np.arange(len(synthetic)).reshape(-1, n)  # (targets, n)
        drawn = [rng.permutation(len(views.reference))[:n_reference] for rng in views.rngs]
        index = np.concatenate([synthetic_index, len(synthetic) + np.stack(drawn)], axis=1)
        width, hidden, share = x.shape[1], self.hidden, n / (n + n_reference)

        def build() -> nn.Module:
            return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 2))

        def balanced(forward: Forward, batch: Batch) -> Tensor:
            # Both classes have the same total weight, whatever their share of the records.
            weight = 0.5 / (1 - share) + (0.5 / share - 0.5 / (1 - share)) * batch.y
            return weight * cross_entropy(forward, batch)

        population = train_population(
            build,
            TrainingSets.shared(x, y, index),
            Recipe("adam", 1e-3, 0.0, 1e-4, self.epochs, 64),
            [int(rng.integers(2**63)) for rng in views.rngs],
            loss=balanced,
            progress=views.progress,
        )
        logits = population.predict(flat(views.records)).astype(np.float64)
        scores: Floats = logits[..., 1] - logits[..., 0]
        return scores
