"""A user's table in a CSV file."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from privbench.data import Data
from privbench.datasets.base import Dataset
from privbench.datasets.checks import (
    check_categories,
    check_label,
    check_values,
    column_warnings,
    is_numeric,
)
from privbench.datasets.describe import describe, shortened
from privbench.datasets.frames import parse_frame
from privbench.datasets.reading import existing_file, read_file
from privbench.datasets.tables import table_data
from privbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


class Csv(Dataset):
    """Your table: a CSV file with a header and a label column."""

    name = "csv"

    path: str = Field(
        min_length=1,
        description="the file (UTF-8, plain or .gz), relative to the current directory",
    )
    label: str = Field(min_length=1, description="name of the column with the classes")
    categorical: tuple[str, ...] = Field(
        (), description="numeric columns to treat as categories, such as postcodes"
    )
    drop: tuple[str, ...] = Field((), description="columns to leave out, such as record numbers")

    @model_validator(mode="after")
    def _check_columns(self) -> Csv:
        if self.label in self.drop:
            raise ValueError(f"drop: {self.label!r} is the label")
        if both := sorted(set(self.drop) & set(self.categorical)):
            raise ValueError(f"drop: {both[0]!r} is also in categorical")
        return self

    def load(self) -> Data:
        """Return all records, in the order of the file."""
        table = parse_frame(
            read_file(existing_file(self.path, self.name)), text_columns=self.categorical
        )
        columns = list(table.columns)
        _check_names(self.path, "label", [self.label], columns)
        _check_names(self.path, "categorical", self.categorical, columns)
        _check_names(self.path, "drop", self.drop, columns)
        return self._encode(table.drop(columns=list(self.drop)))

    def _encode(self, table: pd.DataFrame) -> Data:
        import numpy as np
        import pandas as pd

        check_values(self.path, table)
        labels = table.pop(self.label)
        if table.columns.empty:
            raise DataError(
                f"{self.path}: no columns are left as features for label {self.label!r}"
            )
        check_label(self.path, labels)
        categorical = [name for name in table.columns if not is_numeric(table[name])]
        for name in categorical:
            check_categories(self.path, table[name])
        y, classes = pd.factorize(labels, sort=True)
        data = table_data(table, categorical, y.astype(np.int64))
        log.info("%s: %s", self.path, describe(data, classes))
        for warning in column_warnings(table, labels, self.categorical):
            log.warning("%s: %s", self.path, warning)
        return data


def _check_names(path: str, key: str, names: Iterable[str], columns: list[str]) -> None:
    for name in names:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(
                f"{path}: {key}: no column {name!r}{hint} (the first line must name the columns, and"
                f" has: {shortened(columns, shown=30)})"
            )
