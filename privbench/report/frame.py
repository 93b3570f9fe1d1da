"""Rows of results as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from privbench.storage.columns import SCHEMA
from privbench.storage.results import Row

if TYPE_CHECKING:
    import pandas as pd


def to_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return a DataFrame with a line for each row, whose columns and dtypes follow ``SCHEMA``."""
    import pandas as pd

    frame = pd.DataFrame.from_records(list(rows), columns=[column.name for column in SCHEMA])
    return frame.astype({column.name: column.dtype for column in SCHEMA})
