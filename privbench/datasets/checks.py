"""Find what is wrong, or looks wrong, in a user's table, and the parameters that solve it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from privbench.datasets.dates import looks_like_dates
from privbench.datasets.decimals import looks_like_decimal_commas
from privbench.errors import DataError
from privbench.wording import plural, shortened

if TYPE_CHECKING:
    import pandas as pd

MAX_FLOAT32 = 3.4028234663852886e38
MAX_CATEGORIES = 1000
"""The largest number of classes, or of categories of a column."""
MANY_CATEGORIES = 50
"""More categories than this, and than a tenth of the records, give a warning."""
MAX_SHOWN = 50
"""Problems of a kind that a message shows; a table of thousands of columns has as many."""
MAX_DECIMALS = 20
"""The largest number of distinct labels with decimals, such as grades in steps of 0.5."""


@dataclass(frozen=True)
class Problem:
    """Something in a file that the user has to decide about."""

    text: str
    fix: Mapping[str, str | int | list[str]] = field(default_factory=dict)
    """Parameters that would solve it; lists are added to those that are given."""


def raise_problems(
    path: str,
    problems: Sequence[Problem],
    lists: Mapping[str, Sequence[str]] = MappingProxyType({}),
    doubts: Sequence[Problem] = (),
) -> None:
    """Raise DataError with all problems, if there are any, and the line that solves them.

    Args:
        path: The file.
        problems: What was found.
        lists: The parameters that are lists, as they are given.
        doubts: What only looks wrong, and is told with problems.
    """
    if not problems:
        return
    if len(problems) == 1 and not doubts:
        raise DataError(f"{path}: {problems[0].text}")
    parts = [f"{path}: {plural(len(problems), 'problem')}:"]
    parts += [f"  - {text}" for text in first_texts(problems)]
    if doubts:
        parts.append("  and what stops nothing:")
        parts += [f"  - {text}" for text in first_texts(doubts)]
    if fixes := _together([*problems, *doubts], lists):
        written = ", ".join(setting(key, value) for key, value in fixes.items())
        parts.append(f"  all of it in benchmarks.toml, beside `path`: {written}")
    raise DataError("\n".join(parts))


def first_texts(problems: Sequence[Problem]) -> list[str]:
    """Return the texts of the first problems, and how many more there are."""
    more = len(problems) - MAX_SHOWN
    return [problem.text for problem in problems[:MAX_SHOWN]] + (
        [f"{more} more"] if more > 0 else []
    )


def _together(
    problems: Iterable[Problem], lists: Mapping[str, Sequence[str]]
) -> dict[str, str | int | list[str]]:
    fixes: dict[str, str | int | list[str]] = {}
    for problem in problems:
        for key, value in problem.fix.items():
            if isinstance(value, list):
                known = fixes.get(key, lists.get(key, ()))
                fixes[key] = (
                    [*dict.fromkeys([*known, *value])] if isinstance(known, list | tuple) else value
                )
            elif fixes.get(key) != "drop":  # rows without a label can only be dropped
                fixes[key] = value
    return fixes


def toml(value: object) -> str:
    """Return a value as TOML writes it.

    >>> toml(["a", 'b"c']), toml(True)
    ('["a", "b\\\\"c"]', 'true')
    """
    return json.dumps(value, ensure_ascii=False)


def setting(key: str, value: object) -> str:
    """Return a line of benchmarks.toml.

    >>> setting("drop", ["id"])
    'drop = ["id"]'
    """
    return f"{key} = {toml(value)}"


def problems_of_columns(features: pd.DataFrame, *, may_have_gaps: bool) -> list[Problem]:
    """Return the problems of columns: empty, with gaps, infinite, or with too many categories."""
    empty = [name for name in features.columns if features[name].isna().all()]
    found = []
    if empty:
        names = shortened([repr(name) for name in empty])
        found.append(
            Problem(
                f"columns without any value: {names}: {setting('drop', empty)}", {"drop": empty}
            )
        )
        features = features.drop(columns=empty)
    if not may_have_gaps and (gaps := features.isna().sum()).any():
        found.append(
            Problem(
                f"missing values (empty, NA, NaN, None, ...): {_per_column(gaps, features)}: missing ="
                ' "median" (numbers; words get the category "missing"), "category" (numbers get a'
                ' category of their own as well) or "drop" (these rows), or `drop` the columns',
                {"missing": "median"},
            )
        )
    n_infinite = (features.select_dtypes("number").abs() > MAX_FLOAT32).sum()
    if n_infinite.any():
        found.append(
            Problem(
                "values that are infinite or too large for float32:"
                f" {_per_column(n_infinite, features)}: replace them, or `drop` the columns"
            )
        )
    for name in features.columns:
        if not is_numeric(features[name]):
            found += problems_of_categories(features[name])
    return found


def problems_of_label(labels: pd.Series, called: str, *, lone: bool = False) -> list[Problem]:
    """Return why the labels are not a few classes, each with two records, or with ``lone`` with one.

    ``called`` is what messages call the labels.
    """
    known = labels.dropna()
    found = []
    if n := len(labels) - len(known):
        text = f"{called} has no value in {n} of {plural(len(labels), 'row')}"
        found.append(Problem(f"{text}: {setting('missing', 'drop')}", {"missing": "drop"}))
    return found + _problems_of_classes(known, called, lone)


def _problems_of_classes(labels: pd.Series, called: str, lone: bool) -> list[Problem]:
    counts = labels.value_counts().sort_index()
    if len(counts) < 2:
        only = f"only one class ({counts.index[0]!s:.40})" if len(counts) else "no classes"
        return [Problem(f"{called} has {only}; a classifier needs two")]
    if similar := _equal_but_for_case(counts.index):
        differ = f"classes that differ only in case: {shortened(similar)}"
        return [Problem(f"{called} has {differ}; spell them the same")]
    examples, singletons = counts.index, counts.index[counts == 1]
    if is_numeric(labels) and (labels % 1 != 0).any() and len(counts) > MAX_DECIMALS:
        problem = f"{len(counts)} different numbers with decimals"
    elif len(singletons) and not lone:
        problem = (
            f"{len(counts)} classes in {len(labels)} records, {len(singletons)} with one record"
        )
        examples = singletons
    elif len(counts) > MAX_CATEGORIES:
        problem = f"{len(counts)} classes"
    else:
        return []
    such_as = ", ".join(f"{value!s:.40}" for value in examples[:3])
    return [
        Problem(
            f"{called} has {problem} (such as {such_as}); is it a quantity, or a record number? A label"
            f" has 2 to {MAX_CATEGORIES} classes with at least 2 records each: choose another column,"
            " divide numbers into ranges, or merge or remove rare classes"
        )
    ]


def problems_of_categories(column: pd.Series) -> list[Problem]:
    """Return why a column of words has too many different values for categories."""
    distinct, name = column.nunique(), str(column.name)
    if distinct <= MAX_CATEGORIES and distinct < column.notna().sum():
        return []
    first = column.dropna().iloc[0]
    found = (
        f"column {name!r} has {distinct} different values in {len(column)} rows"
        f" (first: {first!s:.40})"
    )
    if looks_like_dates(column):
        return [Problem(f"{found}, dates: {setting('dates', [name])}", {"dates": [name]})]
    if looks_like_decimal_commas(column):
        return [Problem(f"{found}, decimal commas: {setting('decimal', ',')}", {"decimal": ","})]
    return [
        Problem(
            f"{found}, too many for categories (at most {MAX_CATEGORIES}, and fewer than rows); as an"
            f" identifier or free text: {setting('drop', [name])}",
            {"drop": [name]},
        )
    ]


def doubts(
    table: pd.DataFrame, labels: pd.Series, categorical: Collection[str]
) -> Iterator[Problem]:
    """Yield what is valid but looks wrong.

    Args:
        table: The columns, without the label.
        labels: The label column.
        categorical: Columns that the user has declared categorical, which are not doubted.
    """
    if _has_many_values(labels):
        yield Problem(
            f"label column {labels.name!r} has {labels.nunique()} classes in {len(labels)} records; is"
            " it a quantity, a date or an identifier?"
        )
    for name, column in table.items():
        if column.notna().any():
            yield from _doubts_of_column(str(name), column, declared=name in categorical)


def _doubts_of_column(name: str, column: pd.Series, *, declared: bool) -> Iterator[Problem]:
    from pandas.api.types import is_integer_dtype

    distinct, first = column.nunique(), f"{column.dropna().iloc[0]!s:.40}"
    drop = setting("drop", [name])
    if is_integer_dtype(column) and distinct == len(column):
        yield Problem(
            f"column {name!r} has a different whole number in each row and looks like a record"
            f" number (first: {first}); if it is one, leave it out: {drop}",
            {"drop": [name]},
        )
    if distinct == 1 and column.notna().all():
        yield Problem(
            f"column {name!r} has the same value in each row ({first}); to leave it out: {drop}",
            {"drop": [name]},
        )
    if is_numeric(column) or declared or distinct in (len(column), 1) or distinct > MAX_CATEGORIES:
        return
    if looks_like_dates(column):
        yield Problem(
            f"column {name!r} has dates, each a category: {setting('dates', [name])}",
            {"dates": [name]},
        )
    elif looks_like_decimal_commas(column):
        yield Problem(
            f"column {name!r} has decimal commas, and each number is a category:"
            f" {setting('decimal', ',')}",
            {"decimal": ","},
        )
    elif _has_many_values(column):
        yield Problem(
            f"column {name!r} has {distinct} categories in {len(column)} records (such as {first}), one"
            f" feature each; leave it out: {drop}, or, if that is intended:"
            f" {setting('categorical', [name])}"
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
    rows = plural(len(table), "row")
    return shortened([f"{name} ({n} of {rows})" for name, n in counts[counts > 0].items()])
