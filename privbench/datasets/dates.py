"""Columns of dates, as days since 1970-01-01."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from privbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_YEAR_FIRST = ("ISO8601", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
_DAY_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%d-%m-%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%m-%d-%y")
_NAMED = ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y", "%d%b%Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_LOOKS = re.compile(
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T].*)?|\d{1,2}[- ]?[A-Za-z]{3,9}[- ]?\d{2,4}([ T].*)?"
    r"|[A-Za-z]{3,9} \d{1,2}, \d{4}([ T].*)?"
)


def is_date(column: pd.Series) -> bool:
    """Return whether a column holds dates by its type."""
    from pandas.api.types import is_datetime64_any_dtype

    return bool(is_datetime64_any_dtype(column))


def looks_like_dates(column: pd.Series) -> bool:
    """Return whether the words of a column are dates."""
    values = column.dropna().astype(str)
    if values.empty or not all(map(_LOOKS.fullmatch, values.head(20))):
        return False
    return any(
        _parsed(values, style) is not None
        for style in (_YEAR_FIRST, _DAY_FIRST, _MONTH_FIRST, _NAMED)
    )


def days(column: pd.Series, day_first: bool | None = None) -> pd.Series:
    """Return days since 1970-01-01, with the time of day as a fraction; NaN where there is no date.

    Args:
        column: Dates, or text such as 2021-12-31, 31.12.2021, 12/31/2021 or 31 Dec 2021, all alike.
        day_first: Whether the day stands before the month, where it may be either.

    Raises:
        DataError: If a value is no date, or if day and month cannot be told apart. The message has no
            path and no name.
    """
    import pandas as pd

    if is_date(column):
        return _since_1970(pd.to_datetime(column, utc=True))
    known = column.dropna()
    words = known.astype("int64") if pd.api.types.is_numeric_dtype(known) else known
    values = words.astype(str)
    styles = [_YEAR_FIRST, _NAMED]
    styles += [_DAY_FIRST] if day_first is not False else []
    styles += [_MONTH_FIRST] if day_first is not True else []
    readings = [read for style in styles if (read := _parsed(values, style)) is not None]
    if not readings:
        raise DataError(_no_date(values, styles))
    if any(not readings[0].equals(other) for other in readings[1:]):
        raise DataError(
            f"has dates such as {values.iloc[0]} with day or month first: day_first = true, or false"
        )
    return _since_1970(readings[0]).reindex(column.index)


def _parsed(values: pd.Series, formats: tuple[str, ...]) -> pd.Series | None:
    """Return the dates of which all are written in one of these formats."""
    import pandas as pd

    for form in _with_times(formats):
        try:
            if len(values) > 20:
                pd.to_datetime(values.head(20), format=form, utc=True)
            return pd.to_datetime(values, format=form, utc=True)
        except (ValueError, OverflowError):
            continue
    return None


def _with_times(formats: tuple[str, ...]) -> Iterator[str]:
    for form in formats:
        yield from (form + time for time in _TIMES) if form != "ISO8601" else (form,)


def _no_date(values: pd.Series, styles: list[tuple[str, ...]]) -> str:
    """Return the first value that no format of the first one's reads."""
    for value in values.unique():
        if not any(_parsed(values[values == value].head(1), style) is not None for style in styles):
            return f"has a value that is no date: {value!s:.40}"
    return f"has dates in several formats, such as {values.iloc[0]:.40}; write all of them as 2021-12-31"


def _since_1970(dates: pd.Series) -> pd.Series:
    import pandas as pd

    epoch = pd.Timestamp(0, tz="UTC")
    try:
        return (dates - epoch) / pd.Timedelta(days=1)
    except pd.errors.OutOfBoundsDatetime:  # further away than nanoseconds reach
        return (dates - epoch.as_unit("s")) / pd.Timedelta(days=1).as_unit("s")
