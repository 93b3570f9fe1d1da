"""Scale the numeric columns of tables by records that are public.

A guarantee of a mechanism holds for the records that it is given. If these were scaled by statistics of
all records, a change of one private record would change all others, and the guarantee would say
nothing. So every split scales its records by means, deviations and medians of its reference records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from privbench.data import Data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SCALED = 100.0
"""Values are cut to this many standard deviations from the mean, since nothing else bounds them."""


def scaled_by_reference(parts: Sequence[Data], reference: Data) -> list[Data]:
    """Return parts of a dataset with numeric columns scaled by the reference records.

    A gap becomes the median of the reference records. Then their mean becomes 0, and their standard
    deviation 1; a column in which they are all equal becomes 0. Each record is changed by itself.
    What is no table, or was scaled over all records, stays as it is.
    """
    import numpy as np

    spec = reference.spec
    features = list(spec.numeric_features)
    if spec.scaled_by == "all" or not features:
        return list(parts)
    known = reference.x[:, features].astype(np.float64)
    scales = [_scale(column[~np.isnan(column)]) for column in known.T]
    median, mean, deviation = np.array(scales).T

    def scaled(data: Data) -> Data:
        values = data.x[:, features].astype(np.float64)
        values = np.where(np.isnan(values), median, values)
        x = data.x.copy()
        x[:, features] = np.clip((values - mean) / deviation, -MAX_SCALED, MAX_SCALED)
        return replace(data, x=x, spec=replace(spec, has_gaps=False))

    return [scaled(part) for part in parts]


def _scale(known: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return median, mean and deviation of the values that a column has in the reference records."""
    import numpy as np

    # Rounding may give equal numbers a standard deviation above zero.
    if not len(known) or known.min() == known.max():
        return 0.0, 0.0, np.inf
    return float(np.median(known)), float(known.mean()), float(known.std())
