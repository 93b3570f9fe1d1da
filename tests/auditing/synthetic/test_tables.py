"""Tables of all kinds are made alike, and all that differs is said at once."""

import numpy as np
import pandas as pd
import pytest
import torch

from privbench.auditing.synthetic.tables import (
    alike,
    identifying,
    is_words,
    read_table,
    read_tables,
)
from privbench.errors import DataError


def frames(**columns):
    """Return two tables, of which the second has the given values."""
    model = {"n": [1.0, 2.0], "w": ["a", "b"]}
    return {"train": pd.DataFrame(model), "synthetic": pd.DataFrame(model | columns)}


def test_files_frames_arrays_and_tensors_are_read(tmp_path):
    expected = pd.DataFrame({"0": [1.5, 2.0], "1": [3.0, 4.0]})
    expected.to_csv(tmp_path / "t.csv", index=False)
    array = expected.to_numpy()
    for source in (
        str(tmp_path / "t.csv"), tmp_path / "t.csv", expected, array, torch.tensor(array),
        {"0": array[:, 0], "1": array[:, 1]},
    ):  # fmt: skip
        pd.testing.assert_frame_equal(read_table(source, "train"), expected)


def test_all_tables_that_cannot_be_read_are_named():
    sources = {"train": "nowhere.csv", "holdout": [[1.0]], "synthetic": np.zeros(3)}
    with pytest.raises(DataError) as raised:
        read_tables(sources)
    first, second = str(raised.value).splitlines()
    assert first.startswith("train: nowhere.csv: no such file")
    assert second.startswith("synthetic: expected a file")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.csv", "train: nowhere.csv: no such file"),
        (np.zeros(3), "train: expected a file, a DataFrame or an array"),
        (pd.DataFrame({"a": []}), "train: there are no rows"),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a "]),
            "train: column name 'a' occurs more than once",
        ),
        ({"a": [1, 2], "b": [1]}, "train: not a table"),
    ],
)
def test_what_is_no_table_is_named(source, message):
    with pytest.raises(DataError) as error:
        read_table(source, "train")
    assert str(error.value).startswith(message)


def test_the_order_of_columns_plays_no_part():
    tables = frames()
    tables["synthetic"] = tables["synthetic"][["w", "n"]]
    found = alike(tables)
    pd.testing.assert_frame_equal(found["train"], found["synthetic"])


def test_numbers_words_booleans_dates_and_empty_columns():
    days = pd.to_datetime(["2021-01-01", "2021-01-03"])
    first = pd.DataFrame(
        {"whole": [1, 2], "flag": [True, False], "day": days, "empty": [None, None], "b": [0, 1]}
    )
    second = first.assign(whole=[1.0, np.nan], flag=["True", None], b=[True, False])
    found = alike({"train": first, "synthetic": second})
    words = {name for name in first.columns if is_words(found["train"][name])}
    assert words == {"flag"}
    assert {name for name in first.columns if is_words(found["synthetic"][name])} == words
    assert list(found["train"]["flag"]) == ["True", "False"]
    assert np.diff(found["train"]["day"]) == [2.0]
    assert list(found["synthetic"]["b"]) == [1.0, 0.0]


def test_numbers_as_words_are_equal_whether_or_not_a_hole_made_them_decimal():
    tables = {
        "train": pd.DataFrame({"code": [10, 20]}),
        "synthetic": pd.DataFrame({"code": [10.0, np.nan]}),
    }
    found = alike(tables, categorical=["code"])
    assert list(found["train"]["code"]) == ["10", "20"]
    assert found["synthetic"]["code"][0] == "10"
    assert pd.isna(found["synthetic"]["code"][1])


def test_all_columns_that_differ_are_named_in_one_message():
    tables = {
        "train": pd.DataFrame({"a": [1], "b": [1], "c": [1]}),
        "holdout": pd.DataFrame({"a": [1], "c": [1]}),
        "synthetic": pd.DataFrame({"a": [1], "b": [1], "c": [1], "d e": [1]}),
    }
    with pytest.raises(DataError) as error:
        alike(tables, drop=["z"])
    assert str(error.value).splitlines() == [
        "--drop: there is no column 'z' (allowed: a, b, c, d e)",
        "holdout: lacks column 'b' of train (to leave out: --drop 'b')",
        "synthetic: has column 'd e' that train lacks (to leave out: --drop 'd e')",
    ]
    assert list(alike(tables, drop=["b", "d e"])["synthetic"].columns) == ["a", "c"]


def test_columns_that_lack_types_and_similar_names_are_in_one_message():
    tables = {
        "train": pd.DataFrame({"age": [1], "n": [1]}),
        "synthetic": pd.DataFrame({"Age": [1], "n": ["x"]}),
    }
    with pytest.raises(DataError) as error:
        alike(tables)
    assert str(error.value).splitlines() == [
        "synthetic: lacks column 'age' of train (to leave out: --drop 'age'); did you mean 'Age'?",
        "synthetic: has column 'Age' that train lacks (to leave out: --drop 'Age')",
        "synthetic: column 'n' has words such as 'x', but train has numbers (words in all tables:"
        " --categorical 'n')",
    ]


def test_all_columns_of_another_type_are_named_in_one_message():
    tables = frames(n=["1", "x"], w=[1, 2])
    with pytest.raises(DataError) as error:
        alike(tables)
    lines = str(error.value).splitlines()
    assert lines == [
        "synthetic: column 'n' has words such as 'x', but train has numbers (words in all tables:"
        " --categorical 'n')",
        "train: column 'w' has words such as 'a', 'b', but synthetic has numbers (words in all tables:"
        " --categorical 'w')",
    ]
    assert list(alike(tables, categorical=["n", "w"])["train"]["n"]) == ["1", "2"]


def test_columns_that_name_rows_are_found():
    table = pd.DataFrame(
        {
            "id": [3, 1, 2],
            "name": ["x", "y", "z"],
            "size": [0.5, 1, 2],
            "n": [1, 1, 2],
            "w": list("aab"),
        }
    )
    tables = list(alike({"train": table, "holdout": table[::-1]}).values())
    assert identifying(tables) == ["id", "name"]
    tables[1]["id"] = [1.0, 1.0, 2.0]
    assert identifying(tables) == ["name"]


def test_infinite_numbers_are_refused():
    with pytest.raises(DataError, match=r"synthetic: column 'n' has infinite numbers"):
        alike(frames(n=[1.0, np.inf]))
