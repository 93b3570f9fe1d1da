"""Files of arrays (.npz) as bytes; nothing is ever unpickled."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.errors import DataError
from privbench.npz import read_npz

KINDS = {"f": "float", "i": "int", "u": "unsigned int", "b": "bool", "U": "text"}


def npz_of(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the content of an .npz file. Equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(arrays))
    return buffer.getvalue()


def arrays_of(
    content: bytes, where: str, max_bytes: Mapping[str, int] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name.

    Args:
        content: the bytes of the file.
        where: how messages name the file.
        max_bytes: how large each array may be. Other arrays are not read, so that a small file cannot
            fill the memory. None for no limits.

    Raises:
        DataError: it is no such file, or an array is too large or has Python objects.
    """
    arrays = read_npz(io.BytesIO(content), where, len(content), max_bytes)
    for name, limit in (max_bytes or {}).items():
        if name in arrays and arrays[name].nbytes > limit:
            raise DataError(
                f"{where}: {name} has {arrays[name].nbytes} bytes (allowed: at most {limit})"
            )
    return arrays


def expected(
    arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...], kinds: str, where: str
) -> NDArray[Any]:
    """Return one of the arrays of a file.

    Args:
        arrays: all of them.
        name: which one.
        shape: the shape that it must have.
        kinds: the kinds of types that are allowed, as NumPy has them: "f", "iu", "b", "U".
        where: how messages name the file.

    Raises:
        DataError: it is missing, or has another shape or type.
    """
    if name not in arrays:
        raise DataError(f"{where}: {name} is missing (there are: {', '.join(arrays) or 'none'})")
    array = arrays[name]
    if array.shape != shape or array.dtype.kind not in kinds:
        words = " or ".join(KINDS[kind] for kind in kinds)
        raise DataError(
            f"{where}: {name} has shape {array.shape} and type {array.dtype} (allowed: shape {shape},"
            f" {words})"
        )
    return array
