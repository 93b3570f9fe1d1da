"""Density ratio from nearest neighbours: closer to synthetic than to reference records.

The density of n records at x in d dimensions is about k / (n v r^d), where r is the distance of x to its
k-th nearest record and v the volume of the unit ball (Wang, Kulkarni, Verdú 2009, "Divergence Estimation
for Multidimensional Densities via k-Nearest-Neighbor Distances", doi 10.1109/TIT.2009.2016060). So d
times log r(reference) - log r(synthetic) is the log of the ratio that DOMIAS (van Breugel et al. 2023,
arXiv 2302.12580) estimates with kernels, up to a constant. The neighbourhoods adapt to how many records
there are around x, where one bandwidth is too wide in some places and too narrow in others.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import NeedsShadows
from privbench.attacks.synthetic import BatchedSyntheticAttack, Floats, SyntheticViews, nearest

LEAST = 1e-6
"""Smaller distances are rounding: the records are copies."""


class DensityRatio(BatchedSyntheticAttack):
    """Log distance to reference records, less that to synthetic ones."""

    name: ClassVar[str] = "density-ratio"
    paper: ClassVar[str] = "after Wang, Kulkarni, Verdú 2009, doi 10.1109/TIT.2009.2016060"
    needs_shadows: ClassVar[NeedsShadows] = "no"

    neighbours: int = Field(1, ge=1, description="which nearest record the distances are to")

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool)."""
        reference = self._log_distance(views.records, views.reference.x)
        scores = np.empty((len(views), len(reference)))
        for target, data in enumerate(views.targets):
            scores[target] = reference - self._log_distance(views.records, data.x)
            views.progress(target + 1, len(views))
        return scores

    def _log_distance(self, x: NDArray[np.float32], others: NDArray[np.float32]) -> Floats:
        distance = nearest(x, others, self.neighbours)[:, -1]
        logarithm: Floats = np.log(np.maximum(distance, LEAST))
        return logarithm
