"""Shadow density: LiRA on the distance to synthetic records.

The likelihood ratio of Carlini et al. 2022 (arXiv 2112.03570), with a statistic of the release in the
place of the model's confidence: how close its records come to the attacked record, compared with the
releases of IN and of OUT shadows. The adversary runs the defense itself to make the shadows, so the
attack assumes no particular weakness of the generator.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.lira import Variance, log_ratios
from privbench.attacks.synthetic import (
    BatchedSyntheticAttack,
    Floats,
    SyntheticViews,
    nearest,
)
from privbench.data import Data


class ShadowDensity(BatchedSyntheticAttack):
    """Likelihood ratio of the distance to synthetic records."""

    name: ClassVar[str] = "shadow-density"
    paper: ClassVar[str] = "after Carlini et al. 2022, arXiv 2112.03570"

    neighbours: int = Field(
        1, ge=1, description="number of nearest synthetic records whose log-distances are averaged"
    )
    labelled: bool = Field(
        True, description="whether to use only synthetic records with the record's label"
    )
    variance: Variance = Field(
        "shrunk",
        description="variances of the normals: one per record, one for all records (global), or "
        "per-record variances shrunk towards the global one",
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool): log-likelihood ratios."""
        targets, shadows = views.of_targets_and_shadows(lambda data: self._closeness(views, data))
        return log_ratios(targets, shadows, views.shadow_member, views.leave_one_out, self.variance)

    def _closeness(self, views: SyntheticViews, data: Data) -> Floats:
        """Return minus the mean log-distance (n_pool,) to the nearest records of a release.

        For a label that the release lacks, records of all labels are used.
        """
        if not self.labelled:
            return self._closeness_to(views.records, data.x)
        closeness = np.empty(len(views.labels))
        for label in np.unique(views.labels):
            in_pool, in_release = views.labels == label, data.y == label
            candidates = data.x[in_release] if in_release.any() else data.x
            closeness[in_pool] = self._closeness_to(views.records[in_pool], candidates)
        return closeness

    def _closeness_to(self, x: NDArray[np.float32], others: NDArray[np.float32]) -> Floats:
        """Return minus the mean log-distance (n,) of records to their nearest of ``others``."""
        distances = nearest(x, others, self.neighbours)
        closeness: Floats = -np.log(np.maximum(distances, 1e-6)).mean(1)
        return closeness
