"""The Monte Carlo attack on generative models.

Hilprecht, Haerterich, Bernau 2019, "Monte Carlo and Reconstruction Membership Inference Attacks against
Generative Models" (PoPETs 2019/4), equation 5: the fraction of synthetic records within a distance
epsilon of the record. As in the paper, distances are computed on principal components, and epsilon is
the median over the pool of the distance to the closest synthetic record.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from privbench.attacks.base import NeedsShadows
from privbench.attacks.synthetic import (
    BatchedSyntheticAttack,
    Floats,
    SyntheticViews,
    nearest,
    principal,
)


class MonteCarlo(BatchedSyntheticAttack):
    """Fraction of synthetic records close to the record."""

    name: ClassVar[str] = "monte-carlo"
    paper: ClassVar[str] = "Hilprecht, Haerterich, Bernau 2019, doi 10.2478/popets-2019-0067"
    needs_shadows: ClassVar[NeedsShadows] = "no"

    dimensions: int = Field(
        40, ge=1, description="number of principal components on which distances are computed"
    )
    neighbours: int = Field(
        200, ge=1, description="largest number of close synthetic records that are counted"
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool), between 0 and 1."""
        project = principal(views.reference.x, self.dimensions)
        points = project(views.records)
        scores = np.empty((len(views), len(points)))
        for target, data in enumerate(views.targets):
            distances = nearest(points, project(data.x), min(self.neighbours, len(data)))
            epsilon = np.median(distances[:, 0])
            scores[target] = (distances <= epsilon).sum(1) / len(data)
            views.progress(target + 1, len(views))
        return scores
