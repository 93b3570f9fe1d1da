"""Find numbers with decimal commas, and with marks between thousands, in columns of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_SAMPLED_VALUES = 1000


def _number(decimal: str) -> str:
    """Return the pattern of a number with this decimal mark, and the other one between thousands."""
    point, thousands = map(re.escape, (decimal, "." if decimal == "," else ","))
    whole = rf"[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+|\d+"
    return rf"[+-]?(?:(?:{whole})(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"


def _is_written(column: pd.Series, decimal: str) -> bool:
    """Return whether all values of a column of text are numbers with this decimal mark."""
    values, number = column.dropna().tolist(), re.compile(_number(decimal), re.ASCII)
    return len(values) > 0 and all(number.fullmatch(value.strip()) for value in values)


def looks_like_decimal_commas(column: pd.Series) -> bool:
    """Return whether the words of a column are numbers with decimal commas."""
    return _is_written(column.astype("string"), ",")


def found_decimal(table: pd.DataFrame, separator: str, texts: Collection[str]) -> str:
    """Return the decimal mark of a table that pandas has read with points."""
    if separator == ",":
        return "."
    words = [table[name].dropna().head(_SAMPLED_VALUES) for name in _words(table, texts)]
    with_commas = [column for column in words if _is_written(column, ",")]
    # "1,234" may be either, unless another number decides.
    either = [column for column in with_commas if _is_written(column, ".")]
    points = any(_is_written(c, ".") and not _is_written(c, ",") for c in words)
    return "," if with_commas and not (points and len(either) == len(with_commas)) else "."


def _words(table: pd.DataFrame, texts: Collection[str]) -> list[str]:
    """Return the columns that pandas has read as words, but for those that are to stay words."""
    from pandas.api.types import is_string_dtype

    return [
        name
        for name in table.columns
        if name not in texts and is_string_dtype(table[name].dropna()) and table[name].notna().any()
    ]


def with_numbers(
    table: pd.DataFrame,
    decimal: str,
    texts: Collection[str],
    as_text: Callable[[], pd.DataFrame],
) -> pd.DataFrame:
    """Return the table with the numbers that pandas has not understood, or taken for others.

    It knows neither commas between thousands nor, where commas are decimal, that 1.234 is a thousand
    and more. Its own options would take the date 01.02.2021 for a number.
    """
    import pandas as pd

    point, thousands = (",", ".") if decimal == "," else (".", ",")
    texts = set(texts)
    if decimal == ",":
        source = as_text()
        names = [name for name in table.columns if name not in texts]
    else:
        source, names = table, _words(table, texts)
    for name in names:
        if _is_written(source[name], decimal):
            values = source[name].str.strip().str.replace(thousands, "", regex=False)
            table[name] = pd.to_numeric(values.str.replace(point, ".", regex=False))
    return table
