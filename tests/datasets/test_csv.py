import gzip
import re

import numpy as np
import pytest
from pydantic import ValidationError

from privbench.data import Column
from privbench.datasets.csv import MAX_CATEGORIES, Csv
from privbench.errors import DataError, DatasetUnavailable

TABLE = "age,job,code,outcome\n10,cook,01,yes\n20,smith,02,no\n30,cook,01,yes\n"


@pytest.fixture
def load(tmp_path):
    """Loads a CSV file of such text."""

    def load(text, label="outcome", **params):
        path = tmp_path / "my.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Csv(path=str(path), label=label, **params).load()

    return load


def fails(load, message, *args, **params):
    with pytest.raises(DataError, match=rf"my\.csv: .*{message}") as caught:
        load(*args, **params)
    return str(caught.value)


def test_numbers_are_standardised_and_words_one_hot(load):
    data = load(TABLE)
    root = np.sqrt(1.5)
    code = np.array([1, 2, 1])
    code = (code - code.mean()) / code.std()
    expected = [[-root, 1, 0, code[0]], [0, 0, 1, code[1]], [root, 1, 0, code[2]]]
    assert data.x == pytest.approx(np.array(expected))
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    assert data.y.tolist() == [1, 0, 1]
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
    data = load("y,a\n10,1\n9,2\n30,3\n9,4\n", label="y")
    assert data.y.tolist() == [1, 0, 2, 0]  # sorted as numbers: 9, 10, 30
    assert [column.name for column in data.spec.columns] == ["a"]


def test_true_and_false_are_categories(load):
    (column,) = load("a,y\nTrue,0\nFalse,1\nTrue,1\n", label="y").spec.columns
    assert column == Column("a", "categorical", (0, 2), ("False", "True"))


def test_what_spreadsheets_and_compression_do_is_understood(load, tmp_path):
    plain = load(TABLE)
    for text in [TABLE.replace(",", ", "), "\ufeff" + TABLE, TABLE.replace("\n", "\r\n")]:
        other = load(text)
        assert (other.x == plain.x).all()
        assert other.spec == plain.spec
    (tmp_path / "my.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    other = Csv(path=str(tmp_path / "my.csv.gz"), label="outcome").load()
    assert (other.x == plain.x).all()


def test_relative_paths(load, tmp_path, monkeypatch):
    load(TABLE)
    monkeypatch.chdir(tmp_path)
    assert len(Csv(path="my.csv", label="outcome").load()) == 3


def test_file_not_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = (
        rf"my\.csv: no such file \(looked for {re.escape(str(tmp_path))}/my\.csv\); check `path`"
    )
    with pytest.raises(DatasetUnavailable, match=message):
        Csv(path="my.csv", label="y").load()
    with pytest.raises(DatasetUnavailable, match="no such file"):
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
    assert message.endswith("(columns: age, code, job, outcome)")


def test_missing_values(load):
    text = "age,job,other,y\n1,cook,,0\n,cook,1,1\nNA,,2,0\n4,smith,3,\n"
    message = fails(load, "missing values", text, label="y", drop=("other",))
    assert "age (2 of 4 rows), job (1 of 4 rows), y (1 of 4 rows); remove these rows" in message
    assert "other" not in message
    assert "'unknown'" in message


def test_many_columns_with_missing_values_are_counted(load):
    names = [f"c{i}" for i in range(12)]
    text = ",".join([*names, "y"]) + "\n" + "," * 12 + "0\n" + "1," * 12 + "1\n"
    message = fails(load, "missing values", text, label="y")
    assert "c9 (1 of 2 rows) and 2 more; remove" in message


@pytest.mark.parametrize("value", ["inf", "-inf", "1e300"])
def test_infinite_values(load, value):
    fails(load, r"infinite values.*b \(1 of 2 rows\)", f"a,b,y\n1,2,0\n1,{value},1\n", label="y")


def test_one_class(load):
    fails(load, r"'outcome' has 1 class \(first: yes\)", TABLE.replace("no", "yes"))


def test_a_number_to_predict_is_not_a_label(load):
    text = "a,price\n" + "".join(f"{i % 3},{i}\n" for i in range(MAX_CATEGORIES + 1))
    fails(
        load, rf"'price' has 1001 classes \(first: 0\).* 2 to {MAX_CATEGORIES}", text, label="price"
    )
    assert (
        load(text.replace("2,1000\n", "").replace("1,1000\n", ""), label="price").spec.n_classes
        == 1000
    )


def test_no_features(load):
    fails(load, "no columns .* features of 'y'", "y\n0\n1\n", label="y")
    fails(load, "no columns .* features of 'y'", "a,y\n2,0\n3,1\n", label="y", drop=("a",))


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_empty_file(load, text):
    fails(load, "the file is empty", text)


def test_header_only(load):
    fails(load, "no records below the header", "age,outcome\n")


def test_not_utf8(load):
    fails(load, "not UTF-8 .*convert it", "größe,y\n1,0\n".encode("latin-1"), label="y")


def test_damaged_gz(tmp_path):
    (tmp_path / "my.csv.gz").write_bytes(gzip.compress(TABLE.encode())[:-12])
    with pytest.raises(DataError, match=r"my\.csv\.gz: cannot be read"):
        Csv(path=str(tmp_path / "my.csv.gz"), label="outcome").load()


def test_wrong_numbers_of_fields(load):
    fails(load, "not a table .*line 3", "a,y\n1,0\n1,2,3\n", label="y")
    fails(load, "more fields than the header", "a,y\n1,0,0\n1,2,1\n", label="y")
    fails(load, r"missing values.*y \(1 of 2 rows\)", "a,y\n1,0\n1\n", label="y")


def test_a_column_name_twice(load):
    """Else pandas would call the second y "y.1", and the label would be a feature."""
    fails(load, "column name 'y' occurs more than once", "y,a,y\n0,1,0\n1,2,1\n", label="y")
    load("NA,None,y\n0,1,0\n1,2,1\n", label="y")


def test_identifiers(load):
    rows = [f"{i % 2},{i % 7},id-{i}" for i in range(MAX_CATEGORIES + 1)]
    message = "column 'who' has 1001 different values in {} rows .first: id-0.*add it to `drop`"
    text = "\n".join(["y,a,who", *rows, *rows])
    fails(load, message.format(2002), text, label="y")
    assert load(text, label="y", drop=("who",)).spec.shape == (1,)
    at_limit = "\n".join(["y,a,who", *rows[:-1], *rows[:-1]])
    assert load(at_limit, label="y").spec.shape == (1 + MAX_CATEGORIES,)


def test_a_different_word_in_each_row(load):
    text = "who,a,y\nann,1,0\nbob,2,1\n"
    fails(load, "column 'who' has 2 different values in 2 rows", text, label="y")


def test_contradictions():
    with pytest.raises(ValidationError, match="drop: 'y' is the label"):
        Csv(path="my.csv", label="y", drop=("y",))
    with pytest.raises(ValidationError, match="drop: 'a' is also in categorical"):
        Csv(path="my.csv", label="y", drop=("a",), categorical=("a", "b"))
    with pytest.raises(ValidationError, match="label"):
        Csv(path="my.csv", label="")
