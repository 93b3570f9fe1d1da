"""Find out what dataset `csv` has to be told about a table, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.components.messages import closest
from privbench.data import MAX_REPEATED
from privbench.datasets.checks import doubts, is_numeric, problems_of_columns, problems_of_label
from privbench.datasets.csv import Csv
from privbench.datasets.dates import days, is_date, looks_like_dates
from privbench.datasets.decimals import looks_like_decimal_commas
from privbench.errors import BadInput, DataError
from privbench.wording import plural, shortened

if TYPE_CHECKING:
    import pandas as pd

LABELS = (
    *("label", "labels", "target", "class", "classes", "y", "outcome", "result", "response"),
    *("diagnosis", "species", "category", "income", "survived", "churn", "default", "approved"),
)
"""Names that label columns often have, the most telling first."""
MAX_CLASSES = 20
"""The largest number of classes of a column that is guessed to be the label."""
MAX_CODES = 50
"""The largest number of distinct values of a numeric column that is taken for codes."""
CODES = re.compile(r"(^|[\W_])(codes?|zip|postcode|postal|plz|type|kind|region|district)($|[\W_])")
"""Names of numeric columns whose values are codes rather than quantities."""


@dataclass
class Found:
    """What was found out about a table."""

    path: Path
    label: str
    how: str
    """How the label was chosen."""
    params: dict[str, Any] = field(default_factory=dict)
    """The parameters of dataset `csv` beside path and label."""
    reasons: dict[str, list[str]] = field(default_factory=dict)
    """Why a parameter has its value, by parameter."""
    n_records: int = 0
    n_classes: int = 0
    n_features: int = 0

    def set(self, key: str, value: Any, reason: str) -> None:
        """Set a parameter, or add to one that is a list."""
        if isinstance(value, list):
            known = self.params.setdefault(key, [])
            known += [item for item in value if item not in known]
        else:
            self.params[key] = value
        self.reasons.setdefault(key, []).append(reason)


def examine(path: Path, label: str | None = None) -> Found:
    """Return what dataset `csv` has to be told about a table, with the reasons.

    Args:
        path: the file.
        label: the label column; by default it is guessed from names and values.

    Raises:
        BadInput: there is no such column, or none looks like a label.
        DataError: the file cannot be read, or has problems that no parameter solves.
    """
    from privbench.datasets.frames import read_frame

    table = read_frame(path)
    columns = list(table.columns)
    if label is not None and label not in columns:
        raise BadInput(f"--label {label}: {path} has no such column{closest(label, columns)}")
    found = Found(path, label or "", "given by --label") if label else _guess(path, table)
    table = _find_spelling(found, table)
    features = table.drop(columns=[found.label])
    _find_columns(found, features, table[found.label])
    data = Csv(path=str(path), label=found.label, **found.params).load()
    copies = 1 - len(set(data.first_copies().tolist())) / len(data)
    if copies > MAX_REPEATED:
        text = (
            f"{copies:.0%} of the records are copies of others, which would fall into all parts;"
            ' "group" keeps them together'
        )
        found.set("duplicates", "drop", text)
        data = Csv(path=str(path), label=found.label, **found.params).load()
    found.n_records, found.n_classes = len(data), data.spec.n_classes
    found.n_features = len(data.spec.columns)
    return found


def _guess(path: Path, table: pd.DataFrame) -> Found:
    possible = [name for name in table.columns if _may_be_label(table[name])]
    by_name = {name.strip().casefold(): name for name in reversed(possible)}
    named = [by_name[word] for word in LABELS if word in by_name]
    if named:
        return Found(path, named[0], "guessed from its name")
    if not possible:
        columns = shortened(list(map(str, table.columns)), shown=30)
        raise BadInput(
            f"{path}: no column looks like a label, with 2 to {MAX_CLASSES} classes of several records"
            f" each; give --label NAME (columns: {columns})"
        )
    return Found(path, possible[-1], "guessed: the last column with a few classes")


def _may_be_label(column: pd.Series) -> bool:
    known = column.dropna()
    if len(known) < len(column) / 2 or not 2 <= known.nunique() <= MAX_CLASSES:
        return False
    return not problems_of_label(known, "label")


def _find_spelling(found: Found, table: pd.DataFrame) -> pd.DataFrame:
    """Find how the file is written, and return the table as it is meant.

    What `csv` finds out, too, is said for those who read the benchmark.
    """
    from privbench.datasets.frames import SEPARATORS, decoded, found_separator, read_frame
    from privbench.datasets.reading import read_file

    content = read_file(found.path)
    if content.data[:4] == b"PAR1":
        return table
    separator = found_separator(decoded(content))
    if separator == ",":
        commas = [name for name in table.columns if _has_decimal_commas(table[name])]
        if not commas:
            return table
        found.set("decimal", ",", f"numbers with decimal commas: {_named(commas)}")
        return read_frame(found.path, decimal=",")
    found.set("separator", separator, f"columns are separated by {SEPARATORS[separator]}")
    plain = read_frame(found.path, separator=separator, decimal=".")
    commas = [
        name for name in table.columns if is_numeric(table[name]) and not is_numeric(plain[name])
    ]
    if commas:
        found.set("decimal", ",", f"numbers with decimal commas: {_named(commas)}")
    return table


def _has_decimal_commas(column: pd.Series) -> bool:
    return not is_numeric(column) and looks_like_decimal_commas(column)


def _find_columns(found: Found, features: pd.DataFrame, labels: pd.Series) -> None:
    """Find columns to drop, dates, codes and gaps, in this order, since each leaves fewer columns."""
    for name, why in list(_useless(features)):
        found.set("drop", [name], f"{name}: {why}")
        features = features.drop(columns=[name])
    for name in list(features.columns):
        column = features[name]
        if is_numeric(column) and CODES.search(name.casefold()) and _are_codes(column):
            text = f"{name}: numbers that look like codes ({plural(column.nunique(), 'value')})"
            found.set("categorical", [name], f"{text}; leave it out if they are quantities")
        elif is_date(column) or (not is_numeric(column) and looks_like_dates(column)):
            features[name] = _dates(found, name, column)
    for problem in problems_of_columns(features, may_have_gaps=True):
        for key, value in problem.fix.items():
            found.set(key, value, problem.text)
    gaps = {name: int(n) for name, n in features.isna().sum().items() if n}
    if n := int(labels.isna().sum()):
        found.set("missing", "drop", f"the label has no value in {n} rows, which are left out")
    elif gaps:
        text = ", ".join(f"{name} ({n})" for name, n in list(gaps.items())[:8])
        found.set(
            "missing", "median",
            f'gaps in {text}: numbers get the median, words the category "missing"; "category" also'
            ' says where there was a gap, and "drop" leaves these rows out',
        )  # fmt: skip


def _useless(features: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield columns that no model can learn from, and why."""
    for name in features.columns:
        column, known = features[name], features[name].dropna()
        if known.empty:
            yield name, "no value at all"
        elif known.nunique() == 1 and len(known) == len(column):
            yield name, f"the same value in each row ({known.iloc[0]!s:.20})"
        elif any("record number" in doubt.text for doubt in doubts(features[[name]], known, ())):
            yield name, "a different whole number in each row: a record number?"


def _are_codes(column: pd.Series) -> bool:
    known = column.dropna()
    return bool((known % 1 == 0).all() and 2 <= known.nunique() <= min(MAX_CODES, len(known) / 4))


def _dates(found: Found, name: str, column: pd.Series) -> pd.Series:
    """Return dates as numbers, after they were noted."""
    text = f"{name}: dates such as {column.dropna().iloc[0]!s:.25}, as days since 1970-01-01"
    try:
        numbers = days(column)
    except DataError:
        numbers = days(column, True)  # what this raises no parameter solves
        found.set("day_first", True, f"{name}: is the day first? false if it is the month")
    found.set("dates", [name], text)
    return numbers


def _named(names: list[str]) -> str:
    return shortened(list(map(str, names)), shown=8)
