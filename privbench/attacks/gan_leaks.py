"""GAN-Leaks: Chen, Yu, Zhang, Fritz 2020, arXiv 1909.03935: the full black-box attack, calibrated.

The distance of a record to the closest synthetic one (equation 5), less the same distance for sets that
come from a generator which did not see the record (equation 12): here those of the OUT shadows.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.synthetic import (
    BatchedSyntheticAttack,
    Floats,
    SyntheticViews,
    nearest,
)


class GanLeaks(BatchedSyntheticAttack):
    """Distance to the closest synthetic record, calibrated by sets made without the record."""

    name: ClassVar[str] = "gan-leaks"
    paper: ClassVar[str] = "Chen, Yu, Zhang, Fritz 2020, arXiv 1909.03935"

    calibrated: bool = Field(
        True, description="subtract the mean distance of the OUT shadows' sets"
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool)."""
        own, others = views.of_targets_and_shadows(
            lambda data: -nearest(views.records, data.x)[:, 0]
        )
        if not self.calibrated:
            return own
        return own - mean_outside(others, views.shadow_member, views.leave_one_out)


def mean_outside(values: Floats, member: NDArray[np.bool_], leave_one_out: bool) -> Floats:
    """The mean (targets or 1, n) of the shadows' values (shadows, n) where OUT, without the target's
    own.

    Where a record has no OUT shadow, the mean over records of those that have.
    """
    out = (~member).astype(float)
    total, count = (values * out).sum(0)[None], out.sum(0)[None]
    if leave_one_out:
        total, count = total - values * out, count - out
    typical = (total.sum(1) / np.maximum(count.sum(1), 1))[:, None]
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), typical)
    return mean
