"""LOGAN: Hayes, Melis, Danezis, De Cristofaro 2019, arXiv 1705.07663, the black-box attack.

The adversary trains a discriminator of its own: synthetic records against reference records. What it
takes for synthetic it takes for a member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from privbench.attacks.synthetic import BatchedSyntheticAttack, Floats, SyntheticViews, flat

if TYPE_CHECKING:
    from torch import nn


class Logan(BatchedSyntheticAttack):
    """The confidence of a discriminator between synthetic and reference records."""

    name: ClassVar[str] = "logan"
    paper: ClassVar[str] = "Hayes et al. 2019, arXiv 1705.07663"
    needs_shadows: ClassVar[bool] = False

    hidden: int = Field(128, ge=1, description="units of the discriminator's hidden layer")
    epochs: int = Field(20, ge=1, description="passes over synthetic and reference records")

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool): logits of being synthetic; all discriminators learn at once."""
        from torch import nn

        from privbench.engine import Recipe, TrainingSets, train_population

        sizes = [len(data) for data in views.targets]
        m = min(*sizes, len(views.reference))
        width, hidden = flat(views.records).shape[1], self.hidden
        pairs, seeds = [], []
        for data, rng in zip(views.targets, views.rngs, strict=True):
            chosen = (
                flat(one.x)[rng.choice(len(one), m, replace=False)]
                for one in (data, views.reference)
            )
            pairs.append(np.concatenate(list(chosen)))
            seeds.append(int(rng.integers(2**63)))

        def build() -> nn.Module:
            return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 2))

        population = train_population(
            build,
            TrainingSets.own(np.stack(pairs), np.tile(np.repeat([1, 0], m), (len(pairs), 1))),
            Recipe("adam", 1e-3, 0.0, 1e-4, self.epochs, 64),
            seeds,
            progress=views.progress,
        )
        logits = population.predict(flat(views.records)).astype(np.float64)
        scores: Floats = logits[..., 1] - logits[..., 0]
        return scores
