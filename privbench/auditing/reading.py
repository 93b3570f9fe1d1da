"""Read predictions from what people have: files of arrays, tables, or objects in memory.

Nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.arrays import as_array
from privbench.auditing.files import TEXTS, read_file, suffix_of
from privbench.auditing.layout import Layout, Raw, of_frame
from privbench.auditing.predictions import Predictions
from privbench.auditing.problems import Problems
from privbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Source = str | Path | Predictions | Mapping[str, Any] | Any
"""Where predictions come from: a file, an object, arrays by name, or a DataFrame."""
MEMBERS = np.array(["True", "true", "1", "1.0"])
"""How members look as text."""
JOINED = ("logits", "probs", "predictions", "labels", "targets", "member", "record_ids")
USUAL = Layout()


def read_predictions(
    source: Source,
    columns: Sequence[str] = (),
    *,
    layout: Layout = USUAL,
    holdout: Source | None = None,
    where: str = "predictions",
) -> Predictions:
    """Read and check predictions.

    Args:
        source: a file, arrays by name, a DataFrame, or predictions, which are returned as they are.
        columns: the names of further arrays, or columns, to keep.
        layout: which arrays, or columns, hold what.
        holdout: outputs on further records, none of which is a member. Then ``source`` needs no
            membership: without, all of its records are members.
        where: what messages call the source; by default its path.

    Raises:
        DataError: the source cannot be read, or something in it is wrong. The message has a line for
            each problem, with what to do.
    """
    if isinstance(source, Predictions):
        if holdout is not None:
            raise DataError(f"{where}: predictions take no holdout: give a file, arrays or a table")
        if missing := [name for name in columns if name not in source.columns]:
            raise DataError(
                f"{where}: there is no column {missing[0]!r} (there are:"
                f" {', '.join(source.columns) or 'none'})"
            )
        return source
    if isinstance(source, str | Path):
        where = str(source)
    loaded = _loaded(source, where)
    n_holdout = 0
    if holdout is None:
        is_text = isinstance(source, str | Path) and suffix_of(Path(source)) in TEXTS
        raw = _raw(loaded, layout, columns, where, first_line=2 if is_text else None)
    else:
        called = str(holdout) if isinstance(holdout, str | Path) else "holdout"
        others = _loaded(holdout, called)
        n_holdout = _n_records(others, layout, called)
        try:
            raw = _with_holdout(loaded, others, layout, columns, where, called)
        except (TypeError, ValueError) as error:  # of `as_array`
            raise DataError(f"{called}: {error}") from None
    if layout.model is not None:
        raw.problems.check()  # further checks would take lines for records
    read = Predictions.of(raw.arrays, columns=columns, problems=raw.problems, notes=raw.notes)
    return replace(read, n_holdout=n_holdout)


def _loaded(source: Source, where: str) -> pd.DataFrame | dict[str, Any]:
    """Return the table or the arrays of a source."""
    if isinstance(source, str | Path):
        return read_file(Path(source))
    if isinstance(source, Mapping):
        return dict(source)
    if hasattr(source, "to_pandas"):  # polars, pyarrow
        source = source.to_pandas()
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        table: pd.DataFrame = source
        return table
    raise DataError(
        f"{where}: {type(source).__name__} holds no predictions (allowed: a path, a DataFrame, or arrays"
        ' by name, such as {"probs": ..., "labels": ..., "member": ...})'
    )


def _raw(
    loaded: pd.DataFrame | dict[str, Any],
    layout: Layout,
    columns: Sequence[str],
    where: str,
    first_line: int | None = None,
) -> Raw:
    """Return the arrays by their usual names."""
    if not isinstance(loaded, dict):
        return of_frame(loaded, layout, columns, where, first_line)
    problems = Problems(where)
    for usual, name in layout.names().items():
        if name in loaded:
            loaded[usual] = loaded.pop(name)
            problems.called = {**problems.called, usual: name}
        else:
            problems.add(name, f"is missing (there are: {', '.join(loaded) or 'none'})")
            problems.blamed.add(usual)
    if layout.positive is not None:
        loaded["positive"] = layout.positive
    for option, given in (("columns", layout.columns), ("model", layout.model)):
        if given:
            problems.found.append(f"--{option} is for tables, and these are arrays by name")
    return Raw(loaded, problems)


def _with_holdout(
    loaded: pd.DataFrame | dict[str, Any],
    others: pd.DataFrame | dict[str, Any],
    layout: Layout,
    columns: Sequence[str],
    where: str,
    called: str,
) -> Raw:
    """Return the arrays of members, followed by those of the records of a holdout."""
    if isinstance(loaded, dict) != isinstance(others, dict):
        raise DataError(
            f"{called}: the holdout of a table is a table, and that of arrays has arrays"
        )
    member = layout.member or "member"
    loaded, others = loaded.copy(), others.copy()
    if member in others and np.isin(as_array(others[member])[0].astype(str), MEMBERS).any():
        raise DataError(f"{called}: {member}: some records are members; a holdout has none")
    if member not in loaded:
        loaded[member] = np.ones(_n_records(loaded, layout, where), dtype=bool)
    others[member] = np.zeros(_n_records(others, layout, called), dtype=bool)
    if not isinstance(loaded, dict):
        import pandas as pd

        both = pd.concat([loaded, others], ignore_index=True)
        return _raw(both, layout, columns, where, first_line=None)
    first = _raw(loaded, layout, columns, where)
    second = _raw(others, layout, columns, called)
    second.problems.check()
    if not first.problems.found:
        first.arrays |= _joined(first.arrays, second.arrays, columns, called)
    return first


def _n_records(loaded: pd.DataFrame | dict[str, Any], layout: Layout, where: str) -> int:
    if not isinstance(loaded, dict):
        return len(loaded)
    label = layout.label or ("targets" if "targets" in loaded else "labels")
    if label not in loaded:
        raise DataError(f"{where}: {label} is missing (there are: {', '.join(loaded) or 'none'})")
    return len(loaded[label])


def _joined(
    first: dict[str, Any], second: dict[str, Any], columns: Sequence[str], called: str
) -> dict[str, Any]:
    """Return the arrays of both with the records of the second behind those of the first."""
    joined = {}
    label = "targets" if "targets" in first else "labels"
    if label not in second:
        raise DataError(f"{called}: {label} is missing (there are: {', '.join(second)})")
    n_records = [len(arrays[label]) for arrays in (first, second)]
    for name in (*JOINED, *columns):
        if name not in first and name not in second:
            continue
        if name not in first or name not in second:
            raise DataError(f"{called}: {name} must be in both files, or in none")
        parts = [as_array(arrays[name])[0] for arrays in (first, second)]
        if name == "member":  # one of these has the membership of each model
            parts[1] = np.broadcast_to(parts[1], (*parts[0].shape[:-1], parts[1].shape[-1]))
        try:
            axes = {
                part.ndim - 1 if name == "member" else _axis_of_records(part, n)
                for part, n in zip(parts, n_records, strict=True)
            }
            (axis,) = axes
            joined[name] = np.concatenate(parts, axis=axis)
        except ValueError:
            raise DataError(
                f"{called}: {name} has shape {parts[1].shape}, which does not go with {parts[0].shape}"
                " of the members"
            ) from None
    return joined


def _axis_of_records(array: NDArray[Any], n: int) -> int:
    """Return the first axis with n entries, which is not that of the models.

    Raises:
        ValueError: there is none.
    """
    return array.shape.index(n, 1 if array.ndim == 3 else 0)
