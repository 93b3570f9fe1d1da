"""Columns of dates in the formats that people write."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from privbench.datasets.dates import days, is_date, looks_like_dates
from privbench.errors import DataError

DAYS = [date(2021, 12, 31), date(1969, 12, 31), date(2020, 2, 29)]
EXPECTED = [(day - date(1970, 1, 1)).days for day in DAYS]


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%b-%Y",
        "%d %B %Y",
        "%b %d, %Y",
    ],
)
def test_formats(form):
    column = pd.Series([day.strftime(form) for day in DAYS] + [None])
    assert looks_like_dates(column)
    read = days(column)
    assert read[:3].tolist() == EXPECTED
    assert np.isnan(read[3])


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1970-01-02 06:00", "1970-01-03 12:00"], [1.25, 2.5]),
        (["1970-01-02T06:00:00Z", "1970-01-02T06:00:00+06:00"], [1.25, 1.0]),
        (["1/2/1970 6:00 PM", "1/13/1970 12:00 AM"], [1.75, 12]),
        (["1.1.1970 00:00:00", "2.1.1970 12:00:00"], [0, 1.5]),
    ],
)
def test_times_are_fractions(texts, expected):
    assert days(pd.Series(texts)).tolist() == expected
    assert looks_like_dates(pd.Series(texts))


def test_day_or_month_first():
    column = pd.Series(["01/02/1970", "03/04/1970"])
    with pytest.raises(DataError, match="day or month first: day_first = true, or false"):
        days(column)
    assert days(column, day_first=True).tolist() == [31, 92]
    assert days(column, day_first=False).tolist() == [1, 62]
    assert days(pd.Series(["01/02/1970", "13/02/1970"])).tolist() == [31, 43]
    assert days(pd.Series(["02/02/1970", "03/03/1970"])).tolist() == [32, 61]  # the same in both


def test_numbers_and_types():
    assert days(pd.Series([19700102, 19700201])).tolist() == [1, 31]
    dates = pd.Series(pd.to_datetime(["1970-01-02", None]))
    assert is_date(dates)
    assert days(dates).fillna(-1).tolist() == [1, -1]
    assert not is_date(pd.Series(["1970-01-02"]))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["2021-01-01", "soon"], "has a value that is no date: soon"),
        (["2021-01-01"] * 30 + ["2021-02-30"], "has a value that is no date: 2021-02-30"),
        (["2021-01-01", "31.12.2021"], "has dates in several formats, such as 2021-01-01"),
        (["1.5", "2.5"], "has a value that is no date: 1.5"),
    ],
)
def test_what_is_no_date(texts, message):
    with pytest.raises(DataError, match=message):
        days(pd.Series(texts))


@pytest.mark.parametrize(
    "texts", [["10.0.0.1", "10.0.0.2"], ["1.2.3", "4.5.6"], ["a-b"], [None], ["2021-01-01", "soon"]]
)
def test_what_does_not_look_like_dates(texts):
    assert not looks_like_dates(pd.Series(texts, dtype=object))
