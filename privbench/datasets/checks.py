"""Whether the columns of a user's own table can be what they are used as."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from privbench.datasets.describe import counted, listed
from privbench.datasets.tables import usable
from privbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 1000
MANY_CATEGORIES = 50
MAX_DECIMALS = 20  # different numbers with decimals in a label, such as marks in steps of 0.5


def check_values(path: str, table: pd.DataFrame) -> None:
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


def check_label(path: str, labels: pd.Series) -> None:
    """A label is one of a few classes, each of which has several records."""
    counts = labels.value_counts().sort_index()
    column = f"{path}: label column {labels.name!r}"
    if len(counts) == 1:
        raise DataError(f"{column} has 1 class only ({counts.index[0]}); a classifier needs two")
    if alike := _equal_but_for_case(counts.index):
        raise DataError(
            f"{column} has classes that differ in upper and lower case only: {listed(alike)};"
            " write them alike"
        )
    examples, single = counts.index, counts.index[counts == 1]
    if is_numeric(labels) and (labels % 1 != 0).any() and len(counts) > MAX_DECIMALS:
        found = f"{len(counts)} different numbers with decimals"
    elif len(single):
        found = (
            f"{len(counts)} classes in {len(labels)} records, {len(single)} with one record only"
        )
        examples = single
    elif len(counts) > MAX_CATEGORIES:
        found = f"{len(counts)} classes"
    else:
        return
    raise DataError(
        f"{column} has {found} (such as {listed([f'{one!s:.40}' for one in examples[:3]])}); is it a"
        " number to predict, or a record number? A label has 2 to"
        f" {MAX_CATEGORIES} classes with at least 2 records each: name another column, cut numbers into"
        " ranges, or merge or remove rare classes"
    )


def check_categories(path: str, column: pd.Series) -> None:
    """Text with too many different values is no category."""
    distinct = column.nunique()
    if distinct > MAX_CATEGORIES or distinct == len(column):
        raise DataError(
            f"{path}: column {column.name!r} has {distinct} different values in {len(column)} rows"
            f" (first: {column.iloc[0]!s:.40}), too many for categories (at most {MAX_CATEGORIES}, and"
            " fewer than rows); if it is an identifier, a date or free text, add it to `drop`; write"
            " numbers with decimal points, not commas"
        )


def doubts(table: pd.DataFrame, labels: pd.Series, meant: Collection[str]) -> Iterator[str]:
    """What can be used but looks wrong; ``meant`` are the columns that the user calls categorical."""
    from pandas.api.types import is_integer_dtype

    if _are_many(labels):
        yield (
            f"label column {labels.name!r} has {labels.nunique()} classes in {len(labels)} records; is"
            " it a number to predict, a date or an identifier?"
        )
    for name, column in table.items():
        distinct = column.nunique()
        if is_integer_dtype(column) and distinct == len(column):
            yield (
                f"column {name!r} has another whole number in each row and looks like a record number"
                f" (first: {column.iloc[0]}); if it is one, leave it out: drop = [{name!r}]"
            )
        if _are_many(column) and not is_numeric(column) and name not in meant:
            yield (
                f"column {name!r} has {distinct} categories in {len(column)} records (such as"
                f" {column.iloc[0]!s:.40}), one feature each; is it a date, or numbers with decimal"
                " commas? Leave it out with `drop`, or name it in `categorical` if it is meant"
            )


def is_numeric(column: pd.Series) -> bool:
    """Whether a column is one of numbers; True and False are categories."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def _are_many(column: pd.Series) -> bool:
    return bool(column.nunique() > max(MANY_CATEGORIES, len(column) / 10))


def _equal_but_for_case(classes: Iterable[object]) -> list[str]:
    groups = defaultdict(list)
    for name in map(str, classes):
        groups[name.casefold()].append(repr(name))
    return [name for group in groups.values() if len(group) > 1 for name in group]


def _rows(counts: pd.Series, total: int) -> str:
    found = counts[counts > 0]
    return listed([f"{name} ({n} of {counted(total, 'row')})" for name, n in found.items()])
