"""How coarsely outputs were saved: with few digits, or in half precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DIGITS = 6
"""Largest number of digits after the point that is called rounded; float32 holds about seven."""
MIN_VALUES = 20
"""Number of values below which nothing is said."""
SAMPLED = 2000
"""Values that are looked at first; most outputs are found not to be rounded by them."""
BITS = {"bfloat16": 8, "float16": 11}
"""The significant bits of the half precisions, the coarser one first."""


@dataclass(frozen=True)
class Rounding:
    """How many digits all values have, or the number format that holds all of them."""

    digits: int | None = None
    """Digits after the point; 0 if all values are integers."""
    dtype: str | None = None
    """``float16`` or ``bfloat16``."""

    def __str__(self) -> str:
        """Return what is known of all outputs, as a sentence without its full stop."""
        if self.dtype is not None:
            return (
                f"all outputs are numbers of {self.dtype}, of {BITS[self.dtype]} significant bits"
            )
        if self.digits == 0:
            return "all outputs are whole numbers"
        trees = (
            f", as the votes of {10**self.digits} trees have" if self.digits in (1, 2, 3) else ""
        )
        return f"all outputs have at most {self.digits} digits after the point{trees}"

    def sum_error(self, n_classes: int) -> float:
        """Return how far the sum of rounded probabilities may be from one."""
        if self.dtype is not None:
            return float(n_classes * 2.0 ** -BITS[self.dtype])
        assert self.digits is not None
        return n_classes * 0.5 * 10.0**-self.digits * (1 + 1e-6)


def found_rounding(values: NDArray[Any], dtype: str) -> Rounding | None:
    """Return how values were rounded; None if they were not, as far as can be told.

    1. Values with at most `MAX_DIGITS` digits after the point were rounded to so many. The votes of 100
       trees are as coarse as probabilities of two digits, and not told from them.
    2. Values that are, or fit into, a half precision were rounded to it.

    Args:
        values: finite numbers.
        dtype: the name of the number format that they came in, which NumPy may lack.

    >>> str(found_rounding(np.arange(100) / 100, "float64"))
    'all outputs have at most 2 digits after the point, as the votes of 100 trees have'
    """
    flat = values.reshape(-1)
    if len(flat) < MIN_VALUES:
        return None
    sample = flat[:: max(1, len(flat) // SAMPLED)]
    for digits in range(MAX_DIGITS + 1):
        if _has_digits(sample, digits) and _has_digits(flat, digits):
            return Rounding(digits=digits)
    if dtype in BITS:
        return Rounding(dtype=dtype)
    for name in BITS:
        if _fits(sample, name) and _fits(flat, name):
            return Rounding(dtype=name)
    return None


def _has_digits(values: NDArray[Any], digits: int) -> bool:
    if values.dtype.kind != "f":
        return True
    scaled = values.astype(np.float64) * 10.0**digits
    precision = float(np.finfo(values.dtype).eps) / 2
    # Beyond this, numbers of the format are so sparse that any would look rounded.
    if (tolerance := 1e-9 + 10.0**digits * precision * float(np.abs(values).max())) > 0.1:
        return False
    return bool((np.abs(scaled - np.rint(scaled)) <= tolerance).all())


def _fits(values: NDArray[Any], dtype: str) -> bool:
    single = values.astype(np.float32)
    if (single != values).any():
        return False
    if dtype == "float16":
        with np.errstate(over="ignore"):
            return bool((single.astype(np.float16) == single).all())
    return bool((single.view(np.uint32) & 0xFFFF == 0).all())
