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
    Floats,
    SyntheticAttack,
    SyntheticView,
    nearest,
    principal,
)


class MonteCarlo(SyntheticAttack):
    """The share of synthetic records that lie close to the record."""

    name: ClassVar[str] = "monte-carlo"
    paper: ClassVar[str] = "Hilprecht, Haerterich, Bernau 2019, doi 10.2478/popets-2019-0067"

    dimensions: int = Field(40, ge=1, description="principal components between which to measure")
    neighbours: int = Field(200, ge=1, description="close records that are counted at most")

    def score(self, view: SyntheticView) -> Floats:
        """Scores (n_pool,)."""
        project = principal(view.reference.x, self.dimensions)
        k = min(self.neighbours, len(view.synthetic))
        distances = nearest(project(view.records), project(view.synthetic.x), k)
        epsilon = np.median(distances[:, 0])
        shares: Floats = (distances <= epsilon).sum(1) / len(view.synthetic)
        return shares
