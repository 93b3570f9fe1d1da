"""A user's arrays in an .npz file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from privbench.data import Column, Data, DataKind, DataSpec
from privbench.datasets.base import Dataset, path_field
from privbench.datasets.checks import Problem, problems_of_label, raise_problems
from privbench.datasets.copies import DUPLICATES, Duplicates, group_codes, without_copies
from privbench.datasets.describe import describe
from privbench.datasets.reading import existing_file
from privbench.datasets.tables import SCALE, Scale, is_finite_float32, standardise
from privbench.errors import DataError
from privbench.npz import names_in, read_npz
from privbench.wording import plural, shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)


class Npz(Dataset):
    """Your arrays: an .npz file with records x and labels y."""

    name = "npz"

    path: str = path_field("the file")
    data_kind: Literal["auto", "image", "tabular", "binary"] = Field(
        "auto",
        description="kind of data; auto: 4 dimensions are images, zeros and ones binary, else tabular",
    )
    missing: Literal["median", "drop"] | None = Field(
        None, description="what to do with NaN in tables: fill gaps, or drop the records"
    )
    duplicates: Duplicates = Field("keep", description=DUPLICATES)
    groups: str | None = Field(
        None,
        min_length=1,
        description="array (n,) that is equal for records that belong together, such as those of a"
        " person: a model is trained on all of them or on none",
    )
    scale: Scale = Field("reference", description=SCALE)

    def load(self) -> Data:
        """Return all records, in the order of the file."""
        import numpy as np
        import pandas as pd

        names = ("x", "y") if self.groups is None else ("x", "y", self.groups)
        x, y, *others = read_arrays(existing_file(self.path, self.name), names)
        _check_shapes(self.path, x, y)
        groups = others[0] if others else None
        if groups is not None and groups.shape != y.shape:
            raise DataError(
                f"{self.path}: groups: {self.groups!r} has shape {groups.shape}, expected {y.shape}"
            )
        if self.missing == "drop" and x.dtype.kind == "f":
            whole = ~np.isnan(x).reshape(len(x), -1).any(axis=1) & ~pd.isna(y)
            x, y = x[whole], y[whole]
            groups = None if groups is None else groups[whole]
        is_table = x.ndim == 2 and self.data_kind in ("auto", "tabular")
        labels = pd.Series(_texts(self.path, y) if y.dtype.kind in "ST" else y, name="y")
        problems = problems_of_label(labels, "`y`", lone=True) if len(y) else [_NONE_LEFT]
        problems += _problems_of_numbers(
            x, gaps="median" if is_table else "drop", filled=self.missing
        )
        raise_problems(self.path, problems)
        kind = _infer_kind(x) if self.data_kind == "auto" else self.data_kind
        _check_kind(self.path, x, kind)
        codes, classes = pd.factorize(labels, sort=True)
        data = self._data(x, codes.astype(np.int64), kind, len(classes))
        if groups is not None:
            of_records = group_codes(pd.Series(groups), f"{self.path}: groups: {self.groups!r}")
            data = replace(data, groups=of_records)
        data, found = without_copies(data, self.duplicates)
        log.info("%s: %s", self.path, describe(data, classes))
        if found:
            log.warning("%s: %s", self.path, found)
        return data

    def _data(self, x: NDArray[Any], y: NDArray[np.int64], kind: DataKind, n_classes: int) -> Data:
        import numpy as np

        if kind != "tabular":
            return Data(x.astype(np.float32), y, DataSpec(kind, x.shape[1:], n_classes))
        columns = tuple(Column(f"x{i}", "numeric", (i, i + 1)) for i in range(x.shape[1]))
        values = standardise(x) if self.scale == "all" else x.astype(np.float32)
        has_gaps = bool(np.isnan(values).any())
        spec = DataSpec(kind, x.shape[1:], n_classes, columns, self.scale, has_gaps)
        return Data(values, y, spec)


def read_arrays(path: Path, names: Sequence[str]) -> list[NDArray[Any]]:
    """Return the arrays of these names. Raises DataError, also for pickled (object) arrays."""
    try:
        found = names_in(path, str(path))
        arrays = read_npz(path, str(path), path.stat().st_size, tuple(names))
    except DataError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise DataError(
            f"{path}: cannot be read ({reason}); write it with np.savez(path, x=x, y=y), where x and y"
            " are arrays of numbers, not of objects (labels in text: y=np.array(y, dtype=str))"
        ) from None
    if missing := sorted(set(names) - set(found)):
        raise DataError(f"{path}: no array {missing[0]!r} (arrays: {shortened(found) or 'none'})")
    return [arrays[name] for name in names]


def _texts(path: str, y: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    try:
        return np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y.astype(str)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: `y` has bytes that are not UTF-8 ({error.reason}); save np.array(y, dtype=str)"
        ) from None


_NONE_LEFT = Problem("each record has a missing value, and none is left")


def _check_shapes(path: str, x: NDArray[Any], y: NDArray[Any]) -> None:
    if y.ndim != 1 or y.shape != x.shape[:1] or y.size == 0:
        raise DataError(
            f"{path}: `x` has shape {x.shape} and `y` {y.shape}, but they must be (n, ...) and (n,),"
            " with the same n > 0"
        )
    if x.dtype.kind not in "buif":
        raise DataError(f"{path}: `x` is {x.dtype}, but records must be numbers")
    if y.dtype.kind not in "buifUST":
        raise DataError(f"{path}: `y` is {y.dtype}, but labels must be numbers or text")


def _problems_of_numbers(
    x: NDArray[Any], gaps: Literal["median", "drop"], filled: str | None
) -> list[Problem]:
    """Return what is wrong with numbers; ``gaps`` is what could be done about NaN."""
    import numpy as np

    if x.dtype.kind != "f":
        return []
    found = []
    holes = np.isnan(x)
    if holes.any() and (filled is None or gaps == "drop"):
        options = (
            '"median" (of the column) or "drop" (the record)' if gaps == "median" else '"drop"'
        )
        found.append(
            Problem(f"`x` has NaN in {_records(holes)}: missing = {options}", {"missing": gaps})
        )
    if x.ndim == 2 and filled and (empty := np.flatnonzero(holes.all(axis=0))).size:
        found.append(Problem(f"`x` has only NaN in column {empty[0]}; leave it out"))
    if (wrong := ~is_finite_float32(x) & ~holes).any():
        found.append(
            Problem(
                f"`x` has infinity or numbers too large for float32 in {_records(wrong)}; remove these"
                " records or replace the values"
            )
        )
    return found


def _records(wrong: NDArray[np.bool_]) -> str:
    import numpy as np

    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    return f"{len(rows)} of {plural(len(wrong), 'record')} (first: record {rows[0]})"


def _infer_kind(x: NDArray[Any]) -> DataKind:
    if x.ndim == 4:
        return "image"
    return "binary" if _zeros_and_ones(x) else "tabular"


def _zeros_and_ones(x: NDArray[Any]) -> bool:
    return bool(((x == 0) | (x == 1)).all())


def _check_kind(path: str, x: NDArray[Any], kind: DataKind) -> None:
    """Raise DataError if ``x`` is not of its kind."""
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
