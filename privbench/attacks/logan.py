"""LOGAN: Hayes, Melis, Danezis, De Cristofaro 2019, arXiv 1705.07663, the black-box attack.

The adversary trains a discriminator of its own: synthetic records against reference records. What it
takes for synthetic it takes for a member. Of more reference records than ``references`` times the
synthetic ones each discriminator sees a random part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from privbench.attacks.synthetic import BatchedSyntheticAttack, Floats, SyntheticViews, flat

if TYPE_CHECKING:
    from torch import Tensor, nn


class Logan(BatchedSyntheticAttack):
    """The confidence of a discriminator between synthetic and reference records."""

    name: ClassVar[str] = "logan"
    paper: ClassVar[str] = "Hayes et al. 2019, arXiv 1705.07663"

    hidden: int = Field(128, ge=1, description="units of the discriminator's hidden layer")
    epochs: int = Field(20, ge=1, description="passes over synthetic and reference records")
    references: int = Field(
        4, ge=1, description="reference records for each synthetic one, at most"
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool): logits of being synthetic; all discriminators learn at once."""
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
        known = min(self.references * n, len(views.reference))
        made = np.concatenate([flat(data.x)[:n] for data in views.targets])
        x = np.concatenate([made, flat(views.reference.x)])
        y = np.repeat([1, 0], [len(made), len(views.reference)])
        own = np.arange(len(made)).reshape(-1, n)  # (targets, n)
        others = [rng.permutation(len(views.reference))[:known] for rng in views.rngs]
        index = np.concatenate([own, len(made) + np.stack(others)], axis=1)
        width, hidden, share = x.shape[1], self.hidden, n / (n + known)

        def build() -> nn.Module:
            return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 2))

        def balanced(forward: Forward, batch: Batch) -> Tensor:
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
