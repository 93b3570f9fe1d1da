"""Monte Carlo attack: Hilprecht, Haerterich, Bernau 2019 (PoPETs 2019/4), equation 5.

The share of synthetic records within a distance epsilon of a record. As in the paper, distances are
those of the principal components, and epsilon is the median over the pool of the distance to the
closest synthetic record.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from privbench.attacks.synthetic import (
    BatchedSyntheticAttack,
    Floats,
    SyntheticViews,
    nearest,
    principal,
)


class MonteCarlo(BatchedSyntheticAttack):
    """The share of synthetic records that lie close to the record."""

    name: ClassVar[str] = "monte-carlo"
    paper: ClassVar[str] = "Hilprecht, Haerterich, Bernau 2019, doi 10.2478/popets-2019-0067"

    dimensions: int = Field(40, ge=1, description="principal components between which to measure")
    neighbours: int = Field(200, ge=1, description="close records that are counted at most")

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool)."""
        project = principal(views.reference.x, self.dimensions)
        points = project(views.records)
        scores = np.empty((len(views), len(points)))
        for target, data in enumerate(views.targets):
            distances = nearest(points, project(data.x), min(self.neighbours, len(data)))
            epsilon = np.median(distances[:, 0])
            scores[target] = (distances <= epsilon).sum(1) / len(data)
            views.progress(target + 1, len(views))
        return scores
