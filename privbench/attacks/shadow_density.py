"""Shadow density: LiRA on synthetic data.

How close the released set comes to a record is compared with how close the shadows' sets come that were
made with the record and without it: the likelihood ratio of Carlini et al. 2022 (arXiv 2112.03570) on a
statistic of the data in the place of the model's confidence. The adversary knows the defense and runs it
itself, so no weakness of the generator is assumed.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
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
    """Likelihood ratio of how close the synthetic records of the same label come."""

    name: ClassVar[str] = "shadow-density"
    paper: ClassVar[str] = "after Carlini et al. 2022, arXiv 2112.03570"

    neighbours: int = Field(
        1, ge=1, description="synthetic records whose mean log-distance is the statistic"
    )
    labelled: bool = Field(
        True, description="whether only synthetic records of the record's label count"
    )
    variance: Variance = Field(
        "shrunk", description="one per record, one for all, or shrunk between the two"
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool): log-likelihood ratios."""
        own, others = views.of_targets_and_shadows(lambda data: self._closeness(views, data))
        return log_ratios(own, others, views.shadow_member, views.leave_one_out, self.variance)

    def _closeness(self, views: SyntheticViews, data: Data) -> Floats:
        """Minus the mean log-distance (n_pool,) to the nearest; to any label's if one is missing."""
        if not self.labelled:
            return self._of(views.records, data.x)
        closeness = np.empty(len(views.labels))
        for label in np.unique(views.labels):
            of_records, of_data = views.labels == label, data.y == label
            same = data.x[of_data] if of_data.any() else data.x
            closeness[of_records] = self._of(views.records[of_records], same)
        return closeness

    def _of(
        self, x: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
        others: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> Floats:  # fmt: skip
        distances = nearest(x, others, self.neighbours)
        closeness: Floats = -np.log(np.maximum(distances, 1e-6)).mean(1)
        return closeness
