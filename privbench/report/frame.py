"""Rows as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from privbench.storage.results import COLUMNS, Row

if TYPE_CHECKING:
    import pandas as pd


def to_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """One row a row; the columns are ``privbench.storage.results.COLUMNS``."""
    import pandas as pd

    return pd.DataFrame.from_records(list(rows), columns=list(COLUMNS))
