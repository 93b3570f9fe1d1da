"""Rows as a DataFrame."""

import pandas as pd
import pytest

from privbench.report.frame import to_frame, to_rows
from privbench.storage.results import COLUMNS


def test_the_frame_has_the_columns_in_order(rows):
    frame = to_frame(rows)
    assert isinstance(frame, pd.DataFrame)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == len(rows)
    assert frame["auc"].iloc[0] == 0.75
    assert frame["auc_ci"].iloc[0] == [0.7, 0.8]


def test_dtypes_do_not_depend_on_which_values_are_missing(row):
    skipped = row(status="skipped", auc=None, n_members=None, n_models=None, verdict=None)
    whole, part, none = (to_frame(rows) for rows in ([row()], [row(), skipped], [skipped]))
    assert dict(whole.dtypes) == dict(part.dtypes) == dict(none.dtypes)
    assert dict(to_frame([]).dtypes) == dict(whole.dtypes)
    assert part["auc"].isna().tolist() == [False, True]
    assert part["n_members"].tolist() == [100, pd.NA]
    assert (part["auc"].dtype, part["n_members"].dtype) == ("float64", "Int64")


def test_a_notebook_shows_the_summary(rows):
    html = to_frame(rows)._repr_html_()
    assert "test acc." in html
    assert f"The summary of {len(rows)} rows" in html


def test_rows_come_back_as_they_were(row):
    rows = [row(), row(status="skipped", auc=None, n_members=None, canary_kind=None)]
    assert to_rows(to_frame(rows)) == rows


@pytest.mark.parametrize(
    "derive",
    [
        lambda frame: frame.head(1),
        lambda frame: frame[["defense", "auc"]],
        lambda frame: frame[frame["auc"] > 0],
        lambda frame: frame.copy(),
        lambda frame: frame.sort_values("auc"),
        lambda frame: pd.concat([frame, frame]),
        pd.DataFrame,
    ],
)
def test_what_is_derived_from_it_is_a_plain_frame(rows, derive):
    assert type(derive(to_frame(rows))) is pd.DataFrame


def test_a_frame_that_was_changed_in_place_is_shown_as_it_is(rows):
    frame = to_frame(rows)
    frame["mine"] = 1
    assert frame._repr_html_() == pd.DataFrame(frame)._repr_html_()
    assert "dataframe" in to_frame([])._repr_html_()
