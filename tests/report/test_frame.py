"""Rows as a DataFrame."""

import pandas as pd

from privbench.report.frame import to_frame
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
