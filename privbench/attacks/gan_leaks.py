"""GAN-Leaks: the full black-box attack on generative models, with calibration.

Chen, Yu, Zhang, Fritz 2020, "GAN-Leaks: A Taxonomy of Membership Inference Attacks against Generative
Models", arXiv 1909.03935: the distance of a record to the closest synthetic record (equation 5), minus
that distance for a generator that was not trained on the record (equation 12). Here the latter is the
mean over the releases of OUT shadows.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import NeedsShadows
from privbench.attacks.synthetic import (
    BatchedSyntheticAttack,
    Floats,
    SyntheticViews,
    nearest,
)


class GanLeaks(BatchedSyntheticAttack):
    """Closeness to the nearest synthetic record, calibrated.

    The score is minus the distance to the nearest synthetic record, less the mean of the same over OUT
    shadows.
    """

    name: ClassVar[str] = "gan-leaks"
    paper: ClassVar[str] = "Chen, Yu, Zhang, Fritz 2020, arXiv 1909.03935"

    calibrated: bool = Field(
        True, description="whether to subtract the mean score under the OUT shadows"
    )

    def shadows_needed(self) -> NeedsShadows:
        """Return "same records" if calibrated, else "no"."""
        return "same records" if self.calibrated else "no"

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool)."""
        targets, shadows = views.of_targets_and_shadows(
            lambda data: -nearest(views.records, data.x)[:, 0]
        )
        if not self.calibrated:
            return targets
        return targets - out_mean(shadows, views.shadow_member, views.leave_one_out)


def out_mean(values: Floats, member: NDArray[np.bool_], leave_one_out: bool) -> Floats:
    """Return the mean of each record's values over its OUT shadows.

    A record without an OUT shadow gets the mean of all OUT values of all records.

    Args:
        values: (shadows, n), one value of each record under each shadow.
        member: bool (shadows, n), the membership of the shadows.
        leave_one_out: whether shadow i is target i, and is left out for it.

    Returns:
        (targets, n), or (1, n) without ``leave_one_out``.
    """
    out = (~member).astype(float)
    total, count = (values * out).sum(0)[None], out.sum(0)[None]
    if leave_one_out:
        # Distances are float32, whose sums are exact in float64: no rounding error is left behind.
        total, count = total - values * out, count - out
    typical = (total.sum(1) / np.maximum(count.sum(1), 1))[:, None]
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), typical)
    return mean
