"""Arrays of any library as arrays of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = ("None", "nan", "<NA>", "NaT")
"""How missing values of Python and pandas print."""


def as_array(value: Any) -> tuple[NDArray[Any], str]:
    """Return any kind of array as one of NumPy, and the name of the number format that it had.

    Raises:
        ValueError, TypeError: it holds other things than numbers, texts or truth values.
    """
    dtype = str(getattr(value, "dtype", "")).removeprefix("torch.")
    if hasattr(value, "detach"):  # a tensor of torch
        value = value.detach().cpu()
        value = (value.float() if dtype == "bfloat16" else value).numpy()
    elif isinstance(value, list | tuple) and any(hasattr(one, "detach") for one in value):
        parts = [as_array(one) for one in value]
        return np.stack([array for array, _ in parts]), parts[0][1]
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError("its parts have different lengths; save one array") from None
    if array.dtype.kind == "O":
        array = _of_objects(array)
    if array.dtype.kind not in "biufU":
        raise ValueError(f"must be numbers, strings or bool, got {array.dtype}")
    return array, dtype or str(array.dtype)


def _of_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Return objects, as pandas has them, as texts, numbers or truth values."""
    flat = array.reshape(-1).tolist()
    missing = [not isinstance(value, str) and str(value) in MISSING for value in flat]
    kinds = {type(value) for value, absent in zip(flat, missing, strict=True) if not absent}
    if kinds <= {str}:
        # A missing text is an empty one, which no class has.
        return np.array(["" if absent else v for v, absent in zip(flat, missing, strict=True)],
                        dtype=np.str_).reshape(array.shape)  # fmt: skip
    if kinds == {bool} and not any(missing):
        return array.astype(np.bool_)
    if kinds <= {int, float, bool}:
        numbers = [np.nan if absent else float(v) for v, absent in zip(flat, missing, strict=True)]
        return np.array(numbers).reshape(array.shape)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise ValueError(f"must be numbers, strings or bool, got objects of type {names}")
