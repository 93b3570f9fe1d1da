"""What columns of outputs are: probabilities, percentages or logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def are_logits(outputs: NDArray[Any], names: Sequence[str]) -> bool:
    """Return whether outputs are raw: by their names, or since no probabilities are like this."""
    known = outputs[np.isfinite(outputs)]
    if all("logit" in name.lower() for name in names):
        return True
    outside = bool(len(known)) and (known.min() < 0 or known.max() > 1)
    return outside and not all(name.lower().startswith("p") for name in names)


def are_percentages(outputs: NDArray[Any], names: Sequence[str]) -> bool:
    """Return whether what would be logits is probabilities in percent, by sums or range."""
    known = outputs[np.isfinite(outputs).all(axis=1)].astype(np.float64)
    if not len(known) or any("logit" in name.lower() for name in names):
        return False
    if known.min() < 0 or known.max() > 101:
        return False
    one_column = (
        known.shape[1] == 1
    )  # of logits none below 0: no record would be of the first class
    return one_column or bool((np.abs(known.sum(axis=1) - 100) < 1).all())
