"""A user's table in a CSV or Parquet file."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from privbench.components.messages import near
from privbench.data import Data
from privbench.datasets.base import Dataset, path_field
from privbench.datasets.checks import (
    Problem,
    doubts,
    first_texts,
    is_numeric,
    problems_of_columns,
    problems_of_label,
    raise_problems,
)
from privbench.datasets.copies import DUPLICATES, Duplicates, group_codes, without_copies
from privbench.datasets.dates import days, is_date
from privbench.datasets.describe import describe
from privbench.datasets.frames import parse_frame
from privbench.datasets.reading import existing_file, read_file
from privbench.datasets.tables import SCALE, Scale, table_data
from privbench.errors import DataError
from privbench.wording import shortened

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

MISSING = "missing"
"""The category of a word that is missing."""


class Csv(Dataset):
    """Your table: a CSV or Parquet file with a label column."""

    name = "csv"

    path: str = path_field("the file: CSV, plain or .gz, or Parquet")
    label: str = Field(min_length=1, description="name of the column with the classes")
    separator: str | None = Field(
        None, min_length=1, max_length=1, description="what stands between columns; found out"
    )
    decimal: Literal[".", ","] | None = Field(
        None, description="decimal mark; found out where columns are not separated by commas"
    )
    categorical: tuple[str, ...] = Field(
        (), description="numeric columns to treat as categories, such as postcodes"
    )
    dates: tuple[str, ...] = Field(
        (), description="columns of dates, which become days since 1970-01-01"
    )
    day_first: bool | None = Field(
        None, description="whether dates have the day before the month, where it may be either"
    )
    drop: tuple[str, ...] = Field((), description="columns to leave out, such as record numbers")
    missing: Literal["median", "category", "drop"] | None = Field(
        None, description="what to do with gaps: fill them, make them categories, or drop the rows"
    )
    duplicates: Duplicates = Field("keep", description=DUPLICATES)
    groups: str | None = Field(
        None,
        min_length=1,
        description="column that is equal for records that belong together, such as those of a person:"
        " a model is trained on all of them or on none; it is no feature",
    )
    scale: Scale = Field("reference", description=SCALE)

    @model_validator(mode="after")
    def _check_columns(self) -> Csv:
        for key in ("drop", "dates"):
            if self.label in getattr(self, key):
                raise ValueError(f"{key}: {self.label!r} is the label")
        if self.groups == self.label:
            raise ValueError(f"groups: {self.label!r} is the label")
        for key in ("drop", "categorical", "dates"):
            if self.groups in getattr(self, key):
                raise ValueError(f"{key}: {self.groups!r} is also in groups")
        for key, other in (("drop", "categorical"), ("drop", "dates"), ("dates", "categorical")):
            if both := sorted(set(getattr(self, key)) & set(getattr(self, other))):
                raise ValueError(f"{key}: {both[0]!r} is also in {other}")
        return self

    def load(self) -> Data:
        """Return all records, in the order of the file."""
        table = parse_frame(
            read_file(existing_file(self.path, self.name)),
            separator=self.separator,
            decimal=self.decimal,
            text_columns=self.categorical,
        )
        self._check_names(list(table.columns))
        table = table.drop(columns=list(self.drop))
        problems = self._read_dates(table)
        if self.missing == "drop":
            empty = [name for name in table.columns if table[name].isna().all()]
            table = table.dropna(subset=[name for name in table.columns if name not in empty])
        groups = None if self.groups is None else table.pop(self.groups)
        self._check(table, problems)
        labels = table.pop(self.label)
        return self._encode(self._filled(table), labels, groups)

    def _check_names(self, columns: list[str]) -> None:
        named = {"label": (self.label,), "categorical": self.categorical, "dates": self.dates}
        named["groups"] = () if self.groups is None else (self.groups,)
        found = [
            f"{key}: no column {name!r}{near(name, columns)}"
            for key, names in (named | {"drop": self.drop}).items()
            for name in names
            if name not in columns
        ]
        if found:
            raise DataError(
                f"{self.path}: {'; '.join(found)} (the first line must name the columns, and has:"
                f" {shortened(columns, shown=30)})"
            )

    def _read_dates(self, table: pd.DataFrame) -> list[Problem]:
        """Replace dates by numbers, and return what is wrong with them."""
        problems = []
        for name in table.columns:
            if name in (self.label, self.groups) or not (
                name in self.dates or is_date(table[name])
            ):
                continue
            try:
                table[name] = days(table[name], self.day_first)
            except DataError as error:
                problems.append(Problem(f"column {name!r} {error}"))
                del table[name]
        return problems

    def _check(self, table: pd.DataFrame, problems: list[Problem]) -> None:
        """Raise DataError with all problems of the file at once."""
        features, labels = table.drop(columns=[self.label]), table[self.label]
        may_have_gaps = self.missing is not None
        if not len(table):
            problems.append(Problem("each row has a missing value, and none is left"))
        else:
            if features.columns.empty and not problems:
                problems.append(
                    Problem(f"no columns are left as features for label {self.label!r}")
                )
            problems += problems_of_columns(features, may_have_gaps=may_have_gaps)
            problems += problems_of_label(labels, f"label column {self.label!r}")
        doubtful = list(doubts(features, labels, self.categorical)) if len(table) else []
        lists = {key: getattr(self, key) for key in ("categorical", "dates", "drop")}
        raise_problems(self.path, problems, lists, doubtful)
        for text in first_texts(doubtful):
            log.warning("%s: %s", self.path, text)

    def _filled(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the table with categories for gaps; those of numbers stay, for each split to fill."""
        columns = {}
        for name in table.columns:
            column = table[name]
            if not is_numeric(column):
                column = column.astype(object).where(column.notna(), MISSING)
            columns[name] = column
            if self.missing == "category" and is_numeric(column) and column.hasnans:
                columns[f"{name} {MISSING}"] = column.isna().map({True: "yes", False: "no"})
        import pandas as pd

        return pd.DataFrame(columns)

    def _encode(self, table: pd.DataFrame, labels: pd.Series, groups: pd.Series | None) -> Data:
        import numpy as np
        import pandas as pd

        y, classes = pd.factorize(labels, sort=True)
        categorical: Collection[str] = [n for n in table.columns if not is_numeric(table[n])]
        data = table_data(table, categorical, y.astype(np.int64), self.scale)
        if groups is not None:
            codes = group_codes(groups, f"{self.path}: groups: column {self.groups!r}")
            data = replace(data, groups=codes)
        data, found = without_copies(data, self.duplicates)
        log.info("%s: %s", self.path, describe(data, classes))
        if found:
            log.warning("%s: %s", self.path, found)
        return data
