"""Read files of arrays (.npz) that anybody may have written; nothing is ever unpickled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZipFile

from privbench.bounds import MAX_MEMBERS, most_bytes, too_large
from privbench.errors import DataError
from privbench.wording import plural

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTEAD = "if it is no mistake, save the arrays without compression: np.savez(...)"
SUFFIX = ".npy"


def read_npz(
    file: Path | IO[bytes], where: str, packed: int, names: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name.

    Args:
        file: the file.
        where: how messages name it.
        packed: its size in bytes.
        names: the arrays to read; default all.

    Raises:
        DataError: it is no such file, has an array of Python objects, says of an array another size
            than it has, or unpacks to more than is allowed.
    """
    try:
        with ZipFile(file) as archive:
            sizes = _sizes(archive, where)
            chosen = [name for name in sizes if names is None or name in names]
            if (total := sum(sizes[name] for name in chosen)) > most_bytes(packed):
                raise too_large(where, total, packed, INSTEAD)
            return {name: _read(archive, name, sizes[name], where) for name in chosen}
    except DataError:
        raise
    except Exception as error:  # zipfile and its decompressors raise many kinds for damaged files
        reason = str(error) or type(error).__name__
        raise DataError(f"{where}: not a readable .npz file: {reason}") from None


def names_in(file: Path | IO[bytes], where: str) -> list[str]:
    """Return the names of the arrays of an .npz file. Raises DataError if it is none."""
    try:
        with ZipFile(file) as archive:
            return list(_sizes(archive, where))
    except DataError:
        raise
    except Exception as error:  # as in `read_npz`
        reason = str(error) or type(error).__name__
        raise DataError(f"{where}: not a readable .npz file: {reason}") from None


def check_zip(file: Path, where: str, instead: str) -> None:
    """Check a zip archive that other code will read; a file that is none passes.

    Raises:
        DataError: it unpacks to more than is allowed, or has too many members.
    """
    from zipfile import is_zipfile

    if not is_zipfile(file):
        return
    try:
        with ZipFile(file) as archive:
            _check_members(archive, where)
            total = sum(member.file_size for member in archive.infolist())
    except DataError:
        raise
    except Exception as error:  # as in `read_npz`
        reason = str(error) or type(error).__name__
        raise DataError(f"{where}: not a readable archive: {reason}") from None
    packed = file.stat().st_size
    if total > most_bytes(packed):
        raise too_large(where, total, packed, instead)


def _check_members(archive: ZipFile, where: str) -> None:
    if (n := len(archive.infolist())) > MAX_MEMBERS:
        raise DataError(f"{where}: {n} members (allowed: {MAX_MEMBERS})")


def _sizes(archive: ZipFile, where: str) -> dict[str, int]:
    """Return the unpacked size of each array by name."""
    _check_members(archive, where)
    members = [m for m in archive.infolist() if m.filename.endswith(SUFFIX)]
    counts = Counter(member.filename for member in members)
    if repeated := [name for name, n in counts.items() if n > 1]:
        raise DataError(f"{where}: {plural(counts[repeated[0]], 'member')} called {repeated[0]!r}")
    return {member.filename.removesuffix(SUFFIX): member.file_size for member in members}


def _read(archive: ZipFile, name: str, size: int, where: str) -> NDArray[Any]:
    import numpy as np

    try:
        with archive.open(f"{name}{SUFFIX}") as file:
            shape, _, dtype = _header(file)
            if dtype.hasobject:
                raise DataError(
                    f"{where}: {name} holds Python objects, which are never unpickled; save numbers,"
                    f" texts or truth values, such as {name}=np.array(values.tolist())"
                )
            expected = math.prod(shape) * dtype.itemsize
            # Checked before NumPy sets so much memory aside.
            if min(shape, default=0) < 0 or expected != size - file.tell():
                raise DataError(
                    f"{where}: {name} says that it has shape {shape!s:.80} and type {dtype!s:.80},"
                    f" {expected!s:.80} bytes, but {size - file.tell()} follow"
                )
            file.seek(0)
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except DataError:
        raise
    except Exception as error:  # NumPy raises many kinds for headers that are none
        reason = str(error) or type(error).__name__
        raise DataError(f"{where}: {name} cannot be read: {reason:.200}") from None


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and type of an array."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    if version == (1, 0):
        return npy.read_array_header_1_0(file)
    if version in ((2, 0), (3, 0)):  # 3.0 differs in the names of fields, which may be UTF-8
        return npy.read_array_header_2_0(file)
    raise ValueError(f"version {version} (allowed: 1.0, 2.0, 3.0)")
