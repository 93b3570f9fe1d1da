"""Compare results: arrays by name, and whatever else a component states."""

from __future__ import annotations

from typing import Any

CLOSE = 1e-6
"""Relative difference that may be rounding."""


def differ(first: Any, second: Any) -> bool:
    """Return whether two results differ by a single bit."""
    import numpy as np

    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        is_float = np.asarray(first).dtype.kind == "f"
        return not np.array_equal(first, second, equal_nan=is_float)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() != second.keys() or any(differ(first[k], second[k]) for k in first)
    return bool(first != second)


def far_apart(first: Any, second: Any, tolerance: float = CLOSE) -> str:
    """Return which array of two results differs by more than rounding, and how; empty if none does.

    Args:
        first: arrays by name.
        second: arrays by name.
        tolerance: allowed difference, relative to the values and to the median one.
    """
    import numpy as np

    for name in first:
        a, b = np.asarray(first[name]), np.asarray(second[name])
        if a.shape != b.shape:
            return f"{name} has shape {a.shape} and {b.shape}"
        if a.dtype.kind == "O":
            if list(a) != list(b):
                return f"{name} differ"
            continue
        a, b = a.astype(float), b.astype(float)
        size = np.maximum(np.abs(a), np.abs(b))
        allowed = tolerance * (size + (np.nanmedian(size) if size.size else 0.0))
        far = ~((np.abs(a - b) <= allowed) | (np.isnan(a) & np.isnan(b)))
        if far.any():
            where = np.argmax(np.where(far, np.abs(a - b), -1))
            return (
                f"{int(far.sum())} of {far.size} values of {name} differ, by up to"
                f" {np.abs(a - b).ravel()[where]:.3g} ({a.ravel()[where]:.6g}, {b.ravel()[where]:.6g})"
            )
    return ""
