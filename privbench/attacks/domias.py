"""DOMIAS: membership inference from the local density of synthetic data.

van Breugel, Sun, Qian, van der Schaar 2023, "Membership Inference Attacks against Synthetic Data through
Overfitting Detection", arXiv 2302.12580, equation 2: the density of the synthetic data at a record,
divided by the density of the reference data. The ratio detects local overfitting rather than a region
that is dense in any case. Densities are Gaussian kernel density estimates on principal components, as
in the paper's kernel variant.
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
    log_density,
    principal,
)


class Domias(BatchedSyntheticAttack):
    """Log density ratio of synthetic to reference records."""

    name: ClassVar[str] = "domias"
    paper: ClassVar[str] = "van Breugel et al. 2023, arXiv 2302.12580"
    needs_shadows: ClassVar[NeedsShadows] = "no"

    dimensions: int = Field(
        10, ge=1, description="number of principal components on which densities are estimated"
    )
    bandwidth: float | None = Field(
        None,
        gt=0,
        description="bandwidth of the kernels, in standard deviations; by default Scott's rule",
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool), in nats."""
        project = principal(views.reference.x, self.dimensions)
        points = project(views.records)
        reference = log_density(points, project(views.reference.x), self.bandwidth)
        scores = np.empty((len(views), len(points)))
        for target, data in enumerate(views.targets):
            scores[target] = log_density(points, project(data.x), self.bandwidth) - reference
            views.progress(target + 1, len(views))
        return scores
