"""Rows of results as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from privbench.storage.columns import SCHEMA
from privbench.storage.results import Row

_NAMES = [column.name for column in SCHEMA]


class Rows(pd.DataFrame):  # type: ignore[misc]  # pandas has no types here
    """A DataFrame of rows, which a notebook shows as the view ``summary``.

    Whatever is derived from it, such as some of its rows or columns, is a plain DataFrame.
    """

    @property
    def _constructor(self) -> Any:
        """What pandas makes of whatever is derived from this frame."""
        return pd.DataFrame

    def _repr_html_(self) -> str | None:
        """Return what notebooks show: the summary, or the frame itself if it was changed in place."""
        from privbench.report.html.results import rows_fragment

        if list(self.columns) != _NAMES or self.empty:
            shown: str | None = pd.DataFrame(self)._repr_html_()
            return shown
        return rows_fragment(to_rows(self))


def to_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return a DataFrame with a line for each row, whose columns and dtypes follow ``SCHEMA``."""
    frame = pd.DataFrame.from_records(list(rows), columns=_NAMES)
    return Rows(frame.astype({column.name: column.dtype for column in SCHEMA}))


def to_rows(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a DataFrame that `to_frame` made; what is missing is None."""
    missing = frame.isna()
    values = frame.astype(object).mask(missing, None)
    rows: list[Row] = values.to_dict("records")
    return rows
