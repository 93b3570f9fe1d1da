"""CSV files: what is read, and the messages about files that cannot be."""

import gzip
import re

import numpy as np
import pytest
from pydantic import ValidationError

from privbench.data import Column
from privbench.datasets.csv import Csv
from privbench.errors import DataError

TABLE = """\
age,job,code,outcome
10,cook,01,yes
20,smith,02,no
30,cook,01,yes
20,smith,02,no
"""


def fails(load, message, *args, **params):
    with pytest.raises(DataError, match=rf"my\.csv: .*{message}") as caught:
        load(*args, **params)
    return str(caught.value)


def test_numbers_are_standardised_and_words_one_hot(load):
    data = load(TABLE)
    root = np.sqrt(2)  # ages: mean 20, variance (100 + 0 + 100 + 0) / 4
    expected = [[-root, 1, 0, -1], [0, 0, 1, 1], [root, 1, 0, -1], [0, 0, 1, 1]]
    assert data.x == pytest.approx(np.array(expected))
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    assert data.y.tolist() == [1, 0, 1, 0]
    assert data.spec.columns == (
        Column("age", "numeric", (0, 1)),
        Column("job", "categorical", (1, 3), ("cook", "smith")),
        Column("code", "numeric", (3, 4)),
    )
    assert (data.spec.kind, data.spec.shape, data.spec.n_classes) == ("tabular", (4,), 2)


def test_categorical_keeps_the_text_of_numbers(load):
    columns = load(TABLE, categorical=("code",)).spec.columns
    assert columns[2] == Column("code", "categorical", (3, 5), ("01", "02"))


def test_drop(load):
    spec = load(TABLE, drop=("age", "code")).spec
    assert [column.name for column in spec.columns] == ["job"]


def test_the_label_can_be_any_column(load):
    data = load("y,a\n10,1\n9,2\n30,3\n9,4\n30,5\n10,6\n", label="y")
    assert data.y.tolist() == [1, 0, 2, 0, 2, 1]  # sorted as numbers: 9, 10, 30
    assert [column.name for column in data.spec.columns] == ["a"]


def test_true_and_false_are_categories(load):
    (column,) = load("a,y\nTrue,0\nFalse,1\nTrue,1\nTrue,0\n", label="y").spec.columns
    assert column == Column("a", "categorical", (0, 2), ("False", "True"))


def test_blanks_byte_order_marks_line_ends_and_gz_are_read(load, tmp_path):
    plain = load(TABLE)
    blanks = TABLE.replace(",", " , ").replace("\n", "  \n")
    for text in [blanks, "\ufeff" + TABLE, TABLE.replace("\n", "\r\n")]:
        other = load(text)
        assert (other.x == plain.x).all()
        assert other.spec == plain.spec
    (tmp_path / "my.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    other = Csv(path=str(tmp_path / "my.csv.gz"), label="outcome").load()
    assert (other.x == plain.x).all()


def test_relative_paths(load, tmp_path, monkeypatch):
    load(TABLE)
    monkeypatch.chdir(tmp_path)
    assert len(Csv(path="my.csv", label="outcome").load()) == 4


def test_file_not_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = (
        rf"my\.csv: no such file \(looked for {re.escape(str(tmp_path))}/my\.csv\); check `path`"
    )
    with pytest.raises(DataError, match=message):
        Csv(path="my.csv", label="y").load()


def test_a_folder(tmp_path):
    message = rf"^{re.escape(str(tmp_path))}: is a folder; `path` of dataset 'csv' must be a file"
    with pytest.raises(DataError, match=message):
        Csv(path=str(tmp_path), label="y").load()


@pytest.mark.parametrize(
    ("key", "params"),
    [
        ("label", {"label": "outcom"}),
        ("drop", {"drop": ("age", "outcom")}),
        ("categorical", {"categorical": ("outcom",)}),
    ],
)
def test_unknown_columns(load, key, params):
    message = fails(load, f"{key}: no column 'outcom'; did you mean 'outcome'", TABLE, **params)
    assert message.endswith(
        "(the first line must name the columns, and has: age, job, code, outcome)"
    )


def test_a_table_without_a_header(load):
    words = (
        r"no column 'outcome' .the first line must name the columns, and has: 10, cook, 01, yes\)"
    )
    fails(load, words, TABLE.partition("\n")[2])
    fails(load, "'1' occurs .* in the first line, which must name the columns", "1,1,yes\n2,1,no\n")


def test_many_columns_are_cut_short(load):
    text = ",".join(f"c{i}" for i in range(784)) + "\n" + ",".join("1" * 784) + "\n"
    fails(load, r"and has: c0, c1, .*, c29 and 754 more\)", text)


def test_blanks_around_labels_are_ignored(load):
    assert load("a,y\n0,u\n1, v\n2,v \n0, u \n", label="y").y.tolist() == [0, 1, 1, 0]


def test_no_features(load):
    fails(load, "no columns are left as features for label 'y'", "y\n0\n1\n", label="y")
    fails(
        load,
        "no columns are left as features for label 'y'",
        "a,y\n0,0\n1,1\n",
        label="y",
        drop=("a",),
    )


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_empty_file(load, text):
    fails(load, "the file is empty", text)


def test_header_only(load):
    fails(load, "no records below the header", "age,outcome\n")


def test_damaged_gz(tmp_path):
    (tmp_path / "my.csv.gz").write_bytes(gzip.compress(TABLE.encode())[:-12])
    with pytest.raises(DataError, match=r"my\.csv\.gz: cannot be read"):
        Csv(path=str(tmp_path / "my.csv.gz"), label="outcome").load()


def test_wrong_numbers_of_fields(load):
    fails(load, "not a table .*line 3", "a,y\n1,0\n1,2,3\n", label="y")
    fails(load, "more fields than the header", "a,y\n1,0,0\n1,2,1\n", label="y")
    fails(load, r"missing values.*y \(1 of 2 rows\)", "a,y\n1,0\n1\n", label="y")


def test_a_repeated_column_name(load):
    """pandas would rename the second "y" to "y.1", and the label would become a feature."""
    fails(load, "column name 'y' occurs more than once", "y,a,y\n0,1,0\n1,2,1\n", label="y")
    fails(load, "column name 'y' occurs more than once", "y,a,y \n0,1,0\n1,2,1\n", label="y")
    load("NA,None,y\n0,1,0\n1,2,1\n1,2,1\n0,2,0\n", label="y")


def test_a_table_is_summarised_in_the_log(logged, tmp_path):
    line, warnings = logged(TABLE)
    assert line == (
        f"{tmp_path}/my.csv: 4 records; classes no: 2, yes: 2; 4 features from 2 numeric columns and"
        " 1 categorical column (job: 2)"
    )
    assert warnings == []


def test_contradictions():
    with pytest.raises(ValidationError, match="drop: 'y' is the label"):
        Csv(path="my.csv", label="y", drop=("y",))
    with pytest.raises(ValidationError, match="drop: 'a' is also in categorical"):
        Csv(path="my.csv", label="y", drop=("a",), categorical=("a", "b"))
    with pytest.raises(ValidationError, match="label"):
        Csv(path="my.csv", label="")
