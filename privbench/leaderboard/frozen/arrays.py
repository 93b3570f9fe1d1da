"""Files of arrays (.npz) as bytes; nothing is ever unpickled."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from privbench.errors import DataError

HEADER = 4096
"""Bytes of an array's file that are no values, at most."""

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
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            sizes = {i.filename.removesuffix(".npy"): i.file_size for i in archive.infolist()}
            for name, limit in (max_bytes or {}).items():
                if sizes.get(name, 0) > limit + HEADER:
                    raise DataError(
                        f"{where}: {name} has {sizes[name]} bytes (allowed: at most {limit})"
                    )
            names = list(sizes) if max_bytes is None else [n for n in sizes if n in max_bytes]
            return {name: _read(archive, name, where) for name in names}
    except (BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{where}: not a readable .npz file: {error}") from None


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


def names_in(content: bytes, where: str) -> list[str]:
    """Return the names of the arrays of an .npz file. Raises DataError if it is none."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except BadZipFile as error:
        raise DataError(f"{where}: not a readable .npz file: {error}") from None


def _read(archive: ZipFile, name: str, where: str) -> NDArray[Any]:
    try:
        with archive.open(f"{name}.npy") as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except (KeyError, ValueError) as error:
        raise DataError(f"{where}: {name} cannot be read: {error}") from None
