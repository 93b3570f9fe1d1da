"""Large arrays that lie in files, so that the system can take their memory back when it needs it.

A file of this kind has no name: it is gone when nobody has its memory mapped, however the process ends.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
import weakref
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from privbench.errors import StorageFailed
from privbench.storage.files import GOES_ON, why_not_written

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LARGE = 2**24
"""Bytes from which on an array lies in a file; below, it is kept in memory, which is faster."""

MAPS = os.name == "posix"
"""Whether files are mapped on this system. Windows neither deletes nor renames one that is."""

Empty: TypeAlias = "Callable[[tuple[int, ...], Any], NDArray[Any]]"
"""Returns an array of a shape and type whose values are not set."""


class MappedFile(mmap.mmap):
    """A file whose content is memory. It can be mapped once more, as a copy that may be changed."""

    descriptor: int

    @classmethod
    def of(cls, descriptor: int, size: int, access: int) -> MappedFile:
        """Map a file, of which this object keeps a descriptor of its own."""
        mapping = cls(descriptor, size, access=access)
        mapping.descriptor = os.dup(descriptor)
        weakref.finalize(mapping, os.close, mapping.descriptor).atexit = False
        return mapping

    def copied(self) -> MappedFile:
        """Return the same content as a copy, of which pages take memory when they are changed."""
        return MappedFile.of(self.descriptor, len(self), mmap.ACCESS_COPY)


def mapped(file: IO[bytes], size: int) -> MappedFile:
    """Return the content of a file that nobody shortens, read-only."""
    return MappedFile.of(file.fileno(), size, mmap.ACCESS_READ)


def content_of(path: Path) -> bytes | MappedFile:
    """Return what a file holds that nobody shortens; a large one is mapped."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return mapped(file, size) if MAPS and size >= LARGE else file.read()


def buffer(size: int, folder: Path | None) -> memoryview:
    """Return memory of so many bytes: in a file in ``folder`` if it is large, and there is one.

    Raises:
        StorageFailed: the file cannot be made.
    """
    if folder is None or size < LARGE or not MAPS:
        return memoryview(bytearray(size))
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file, size)
            return memoryview(MappedFile.of(file.fileno(), size, mmap.ACCESS_WRITE))
    except OSError as error:
        why = why_not_written(folder / "temporary", error)
        raise StorageFailed(f"a temporary file cannot be written: {why}; {GOES_ON}") from None


def empty_in(folder: Path | None) -> Empty:
    """Return what makes arrays, the large ones of which lie in files in ``folder``."""
    return partial(_empty, folder)


def _empty(folder: Path | None, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    import numpy as np

    size = math.prod(shape) * np.dtype(dtype).itemsize
    if folder is None or size < LARGE or not MAPS:
        return np.empty(shape, dtype)
    return np.frombuffer(buffer(size, folder), dtype).reshape(shape)


def own_copy(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of an array; of one in a file it takes memory only where it is changed."""
    import numpy as np

    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if not isinstance(owner, MappedFile) or not array.size:
        return array.copy()
    whole = np.frombuffer(owner, np.uint8)
    offset = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    copied = owner.copied()
    return np.ndarray(array.shape, array.dtype, copied, offset, array.strides)


def _reserve(file: IO[bytes], size: int) -> None:
    """Set the space of a file aside; a full disk would end the process when memory is written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    block = bytes(2**20)
    for start in range(0, size, len(block)):
        file.write(block[: size - start])
    file.flush()
