"""Check a user's table for values, labels and categories that are wrong or look wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from privbench.datasets.describe import counted, shortened
from privbench.datasets.tables import is_finite_float32
from privbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 1000
"""The largest number of classes, or of categories of a column."""
MANY_CATEGORIES = 50
"""More categories than this, and than a tenth of the records, give a warning."""
MAX_DECIMALS = 20
"""The largest number of distinct labels with decimals, such as grades in steps of 0.5."""


def check_values(path: str, table: pd.DataFrame) -> None:
    """Raise DataError if the table has missing or infinite values, which the user must replace."""
    n_missing = table.isna().sum()
    if n_missing.any():
        raise DataError(
            f"{path}: missing values (empty, NA, NaN, None, ...): {_per_column(n_missing, table)};"
            " remove these rows, fill in the values, write a word such as 'unknown', or `drop` the"
            " columns"
        )
    n_infinite = (~is_finite_float32(table.select_dtypes("number"))).sum()
    if n_infinite.any():
        raise DataError(
            f"{path}: values that are infinite or too large for float32:"
            f" {_per_column(n_infinite, table)}; replace them, or `drop` the columns"
        )


def check_label(path: str, labels: pd.Series) -> None:
    """Raise DataError unless the labels are a few classes with at least two records each."""
    counts = labels.value_counts().sort_index()
    column = f"{path}: label column {labels.name!r}"
    if len(counts) == 1:
        raise DataError(f"{column} has only one class ({counts.index[0]}); a classifier needs two")
    if similar := _equal_but_for_case(counts.index):
        raise DataError(
            f"{column} has classes that differ only in case: {shortened(similar)}; spell them the same"
        )
    examples, singletons = counts.index, counts.index[counts == 1]
    if is_numeric(labels) and (labels % 1 != 0).any() and len(counts) > MAX_DECIMALS:
        problem = f"{len(counts)} different numbers with decimals"
    elif len(singletons):
        problem = (
            f"{len(counts)} classes in {len(labels)} records, {len(singletons)} with one record"
        )
        examples = singletons
    elif len(counts) > MAX_CATEGORIES:
        problem = f"{len(counts)} classes"
    else:
        return
    such_as = ", ".join(f"{value!s:.40}" for value in examples[:3])
    raise DataError(
        f"{column} has {problem} (such as {such_as}); is it a quantity, or a record number? A label"
        f" has 2 to {MAX_CATEGORIES} classes with at least 2 records each: choose another column,"
        " divide numbers into ranges, or merge or remove rare classes"
    )


def check_categories(path: str, column: pd.Series) -> None:
    """Raise DataError if a column has too many different values for categories."""
    distinct = column.nunique()
    if distinct > MAX_CATEGORIES or distinct == len(column):
        raise DataError(
            f"{path}: column {column.name!r} has {distinct} different values in {len(column)} rows"
            f" (first: {column.iloc[0]!s:.40}), too many for categories (at most {MAX_CATEGORIES}, and"
            " fewer than rows); if it is an identifier, a date or free text, add it to `drop`; if it has"
            " numbers, write them with decimal points instead of commas"
        )


def column_warnings(
    table: pd.DataFrame, labels: pd.Series, categorical: Collection[str]
) -> Iterator[str]:
    """Yield a warning for each column that is valid but looks wrong.

    Args:
        table: The columns, without the label.
        labels: The label column.
        categorical: Columns that the user has declared categorical, which are not doubted.
    """
    from pandas.api.types import is_integer_dtype

    if _has_many_values(labels):
        yield (
            f"label column {labels.name!r} has {labels.nunique()} classes in {len(labels)} records; is"
            " it a quantity, a date or an identifier?"
        )
    for name, column in table.items():
        distinct = column.nunique()
        if is_integer_dtype(column) and distinct == len(column):
            yield (
                f"column {name!r} has a different whole number in each row and looks like a record"
                f" number (first: {column.iloc[0]}); if it is one, leave it out: drop = [{name!r}]"
            )
        if _has_many_values(column) and not is_numeric(column) and name not in categorical:
            yield (
                f"column {name!r} has {distinct} categories in {len(column)} records (such as"
                f" {column.iloc[0]!s:.40}), one feature each; is it a date, or numbers with decimal"
                " commas? Leave it out with `drop`, or list it in `categorical` if that is intended"
            )


def is_numeric(column: pd.Series) -> bool:
    """Return whether a column has numbers; True and False are categories."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def _has_many_values(column: pd.Series) -> bool:
    return bool(column.nunique() > max(MANY_CATEGORIES, len(column) / 10))


def _equal_but_for_case(classes: Iterable[object]) -> list[str]:
    groups = defaultdict(list)
    for name in map(str, classes):
        groups[name.casefold()].append(repr(name))
    return [name for group in groups.values() if len(group) > 1 for name in group]


def _per_column(counts: pd.Series, table: pd.DataFrame) -> str:
    """Return the columns with a count above zero, such as "age (2 of 4 rows)"."""
    rows = counted(len(table), "row")
    return shortened([f"{name} ({n} of {rows})" for name, n in counts[counts > 0].items()])
