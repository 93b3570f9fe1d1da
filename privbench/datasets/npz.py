"""A user's arrays in an .npz file."""

from __future__ import annotations

import logging
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from privbench.data import Column, Data, DataKind, DataSpec
from privbench.datasets.base import Dataset
from privbench.datasets.describe import describe
from privbench.datasets.reading import existing_file
from privbench.datasets.tables import is_finite_float32, standardise
from privbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)


class Npz(Dataset):
    """Your arrays: an .npz file with records x and labels y."""

    name = "npz"

    path: str = Field(min_length=1, description="the file, relative to the current directory")
    data_kind: Literal["auto", "image", "tabular", "binary"] = Field(
        "auto",
        description="kind of data; auto: 4 dimensions are images, zeros and ones binary, else tabular",
    )

    def load(self) -> Data:
        """Return all records, in the order of the file; tables are standardised."""
        import numpy as np

        x, y = read_arrays(existing_file(self.path, self.name))
        n_classes = _check_labels(self.path, x, y)
        _check_numbers(self.path, x)
        kind = _infer_kind(x) if self.data_kind == "auto" else self.data_kind
        x = _convert(self.path, x, kind)
        n_columns = x.shape[1] if kind == "tabular" else 0
        columns = tuple(Column(f"x{i}", "numeric", (i, i + 1)) for i in range(n_columns))
        data = Data(x, y.astype(np.int64), DataSpec(kind, x.shape[1:], n_classes, columns))
        log.info("%s: %s", self.path, describe(data, range(n_classes)))
        return data


def read_arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the arrays ``x`` and ``y``. Raises DataError, also for pickled (object) arrays."""
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
        if missing := sorted({"x", "y"} - set(names)):
            raise DataError(
                f"{path}: no array {missing[0]!r} (arrays: {', '.join(names) or 'none'})"
            )
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"]
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); write it with np.savez(path, x=x, y=y), where x and y"
            " are arrays of numbers, not of objects"
        ) from error


def _check_labels(path: str, x: NDArray[Any], y: NDArray[Any]) -> int:
    """Return the number of classes. Raises DataError unless each of 0..k-1 occurs."""
    import numpy as np

    if y.ndim != 1 or y.shape != x.shape[:1] or y.size == 0:
        raise DataError(
            f"{path}: `x` has shape {x.shape} and `y` {y.shape}, but they must be (n, ...) and (n,),"
            " with the same n > 0"
        )
    if y.dtype.kind not in "iu":
        raise DataError(f"{path}: `y` is {y.dtype}, but labels must be integers 0..k-1")
    classes = np.unique(y)
    if len(classes) < 2:
        raise DataError(f"{path}: `y` has only one class ({classes[0]}); a classifier needs two")
    if classes[0] != 0 or classes[-1] != len(classes) - 1:
        raise DataError(
            f"{path}: `y` has {len(classes)} classes between {classes[0]} and {classes[-1]}, but labels"
            " must be 0..k-1 without gaps; y = np.unique(y, return_inverse=True)[1] renumbers them"
        )
    return len(classes)


def _check_numbers(path: str, x: NDArray[Any]) -> None:
    import numpy as np

    if x.dtype.kind not in "buif":
        raise DataError(f"{path}: `x` is {x.dtype}, but records must be numbers")
    rows = np.flatnonzero(~is_finite_float32(x).reshape(len(x), -1).all(axis=1))
    if len(rows):
        raise DataError(
            f"{path}: `x` has NaN, infinity or numbers too large for float32 in {len(rows)} of {len(x)}"
            f" records (first: record {rows[0]}); remove these records or replace the values"
        )


def _infer_kind(x: NDArray[Any]) -> DataKind:
    if x.ndim == 4:
        return "image"
    return "binary" if _zeros_and_ones(x) else "tabular"


def _zeros_and_ones(x: NDArray[Any]) -> bool:
    return bool(((x == 0) | (x == 1)).all())


def _convert(path: str, x: NDArray[Any], kind: DataKind) -> NDArray[np.float32]:
    """Return ``x`` as float32, with tables standardised. Raises DataError if it is not of its kind."""
    import numpy as np

    expected = "(n, channels, height, width)" if kind == "image" else "(n, features)"
    if x.ndim != (4 if kind == "image" else 2) or 0 in x.shape:
        hint = "; for grey images write x[:, None]" if x.ndim == 3 else ""
        raise DataError(f"{path}: `x` has shape {x.shape}, but {kind} data are {expected}{hint}")
    if kind == "image":
        _check_image(path, x)
    if kind == "binary" and not _zeros_and_ones(x):
        raise DataError(
            f"{path}: `x` has values from {x.min()} to {x.max()}, but binary data are 0 or 1"
        )
    return standardise(x) if kind == "tabular" else x.astype(np.float32)


def _check_image(path: str, x: NDArray[Any]) -> None:
    _, first, second, last = x.shape
    if first == second and last in (1, 3) and first not in (1, 3):
        raise DataError(
            f"{path}: `x` has shape {x.shape}, channels last; write x.transpose(0, 3, 1, 2) instead"
        )
    low, high = x.min(), x.max()
    if low < 0 or high > 1:
        raise DataError(
            f"{path}: `x` has pixels from {low} to {high}, but images must be in [0, 1]; scale them,"
            " such as x / 255 for bytes"
        )
