"""A table of one's own, as a CSV file."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from privbench.components import closest
from privbench.data import Data
from privbench.datasets.base import Dataset
from privbench.datasets.reading import Content, read_file
from privbench.datasets.tables import table_data, usable
from privbench.errors import DataError, DatasetUnavailable

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 1000


class Csv(Dataset):
    """Your own table: a CSV file with a header, one column of which is the label."""

    name = "csv"

    path: str = Field(
        min_length=1, description="the file, UTF-8, plain or .gz; relative to the current directory"
    )
    label: str = Field(min_length=1, description="the column that holds the class")
    categorical: tuple[str, ...] = Field(
        (), description="numeric columns to treat as categories, such as postcodes"
    )
    drop: tuple[str, ...] = Field((), description="columns to leave out, such as record numbers")

    @model_validator(mode="after")
    def _check_uses(self) -> Csv:
        if self.label in self.drop:
            raise ValueError(f"drop: {self.label!r} is the label")
        if both := sorted(set(self.drop) & set(self.categorical)):
            raise ValueError(f"drop: {both[0]!r} is also in categorical")
        return self

    def load(self) -> Data:
        """All records, in the order of the file."""
        path = Path(self.path)
        if not path.is_file():
            raise DatasetUnavailable(
                f"{path}: no such file (looked for {path.absolute()}); check `path` of dataset 'csv'"
            )
        table = parse_csv(read_file(path), text_columns=self.categorical)
        _check_names(path, "label", [self.label], table)
        _check_names(path, "categorical", self.categorical, table)
        _check_names(path, "drop", self.drop, table)
        return self._encode(table.drop(columns=list(self.drop)))

    def _encode(self, table: pd.DataFrame) -> Data:
        import numpy as np
        import pandas as pd

        _check_values(self.path, table)
        labels = table.pop(self.label)
        if table.columns.empty:
            raise DataError(f"{self.path}: no columns are left to be features of {self.label!r}")
        y, classes = pd.factorize(labels, sort=True)
        if not 1 < len(classes) <= MAX_CATEGORIES:
            raise DataError(
                f"{self.path}: label column {self.label!r} has {_count(len(classes), 'class')}"
                f" (first: {classes[0]!s}); a classifier needs 2 to {MAX_CATEGORIES}"
            )
        categorical = [name for name in table.columns if not _is_numeric(table[name])]
        for name in categorical:
            _check_categories(self.path, table[name])
        return table_data(table, categorical, y.astype(np.int64))


def parse_csv(content: Content, text_columns: Iterable[str] = ()) -> pd.DataFrame:
    """A table with a header; ``text_columns`` stay text even if they look like numbers."""
    import pandas as pd

    def read(**options: object) -> pd.DataFrame:
        return pd.read_csv(BytesIO(content.data), skipinitialspace=True, **options)

    try:
        header = read(header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist()
        table = read(dtype=dict.fromkeys(text_columns, str), low_memory=False)
    except UnicodeDecodeError as error:
        raise DataError(f"{content.where}: not UTF-8 ({error.reason}); convert it") from error
    except pd.errors.EmptyDataError:
        raise DataError(f"{content.where}: the file is empty") from None
    except pd.errors.ParserError as error:
        raise DataError(f"{content.where}: not a table ({str(error).strip()})") from error
    # pandas would rename a second column "y" to "y.1": the label would become a feature.
    if twice := [name for name in header if header.count(name) > 1]:
        raise DataError(f"{content.where}: column name {twice[0]!r} occurs more than once")
    # and would take the first of too many fields for the names of the rows.
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError(f"{content.where}: the rows have more fields than the header")
    if table.empty:
        raise DataError(f"{content.where}: no records below the header")
    return table


def _check_names(path: Path, key: str, names: Iterable[str], table: pd.DataFrame) -> None:
    for name in names:
        if name not in table.columns:
            hint = closest(name, map(str, table.columns)).replace("allowed:", "columns:")
            raise DataError(f"{path}: {key}: no column {name!r}{hint}")


def _check_values(path: str, table: pd.DataFrame) -> None:
    """Missing and infinite values are errors: what to put there is the user's choice."""
    absent = table.isna().sum()
    if absent.any():
        raise DataError(
            f"{path}: missing values (empty, NA, NaN, None, ...): {_rows(absent, len(table))}; remove"
            " these rows, fill them in, write a word such as 'unknown', or `drop` the columns"
        )
    infinite = (~usable(table.select_dtypes("number"))).sum()
    if infinite.any():
        raise DataError(
            f"{path}: infinite values, or too large for float32: {_rows(infinite, len(table))};"
            " replace them, or `drop` the columns"
        )


def _check_categories(path: str, column: pd.Series) -> None:
    distinct = column.nunique()
    if distinct > MAX_CATEGORIES or distinct == len(column):
        raise DataError(
            f"{path}: column {column.name!r} has {distinct} different values in {len(column)} rows"
            f" (first: {column.iloc[0]!s}), too many for categories (at most {MAX_CATEGORIES}, and"
            " fewer than rows); if it is an identifier or free text, add it to `drop`"
        )


def _is_numeric(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def _rows(counts: pd.Series, total: int, shown: int = 10) -> str:
    found = counts[counts > 0]
    names = [f"{name} ({count} of {_count(total, 'row')})" for name, count in found.items()]
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if names[shown:] else "")


def _count(n: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{n} {noun}{'' if n == 1 else plural}"
