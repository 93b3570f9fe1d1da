import gzip
import logging
import re

import numpy as np
import pytest
from pydantic import ValidationError

from privbench.data import Column
from privbench.datasets.checks import MAX_CATEGORIES, MAX_DECIMALS
from privbench.datasets.csv import Csv
from privbench.errors import DataError

TABLE = """\
age,job,code,outcome
10,cook,01,yes
20,smith,02,no
30,cook,01,yes
20,smith,02,no
"""


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


def test_what_spreadsheets_and_compression_do_is_understood(load, tmp_path):
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


@pytest.mark.parametrize(("separator", "called"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators(load, separator, called, tmp_path, monkeypatch):
    message = fails(load, f"the header has {called} .* commas", TABLE.replace(",", separator))
    monkeypatch.chdir(tmp_path)
    exec("import pandas; " + message.partition("in Python: ")[2])  # what it advises
    converted = Csv(path="commas.csv", label="outcome", categorical=("code",)).load()
    assert [column.name for column in converted.spec.columns] == ["age", "job", "code"]
    fails(load, f"has {called}", f"a{separator}y\n1,5{separator}0\n2,5{separator}1\n", label="y")


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
    fails(load, r"'outcome' has 1 class only \(yes\)", TABLE.replace("no", "yes"))


def labelled(*labels):
    """A table of such labels in the column ``y``."""
    return "a,y\n" + "".join(f"{i % 3},{label}\n" for i, label in enumerate(labels))


@pytest.mark.parametrize("prefix", ["", "id-"])
def test_a_record_number_is_not_a_label(load, prefix):
    message = fails(
        load, "is it a .* record number", labelled(*(f"{prefix}{i}" for i in range(100, 200))), "y"
    )
    assert "'y' has 100 classes in 100 records, 100 with one record only" in message
    assert f"(such as {prefix}100, {prefix}101, {prefix}102)" in message
    assert f"A label has 2 to {MAX_CATEGORIES} classes with at least 2 records each" in message


def test_each_class_needs_two_records(load):
    rare = labelled("u", "v", "v", "u", "w", "u")
    fails(load, r"'y' has 3 classes in 6 records, 1 with one record only \(such as w\)", rare, "y")
    assert load(rare + "0,w\n", label="y").spec.n_classes == 3


def test_a_number_to_predict_is_not_a_label(load):
    steps = [0.5 * i for i in range(MAX_DECIMALS + 1)]
    found = rf"'y' has {MAX_DECIMALS + 1} different numbers with decimals \(such as 0.0, 0.5, 1.0\)"
    fails(load, f"{found}; is it a number to predict", labelled(*steps, *steps), "y")
    marks = labelled(*steps[:-1], *steps[:-1])
    assert load(marks, label="y").spec.n_classes == MAX_DECIMALS
    whole = labelled(*range(MAX_DECIMALS + 1), *range(MAX_DECIMALS + 1))
    assert load(whole, label="y").spec.n_classes == MAX_DECIMALS + 1


def test_too_many_classes(load):
    numbers = range(MAX_CATEGORIES)
    assert load(labelled(*numbers, *numbers), label="y").spec.n_classes == MAX_CATEGORIES
    numbers = range(MAX_CATEGORIES + 1)
    fails(load, r"'y' has 1001 classes \(such as 0, 1, 2\)", labelled(*numbers, *numbers), "y")


def test_labels_that_differ_in_case_only(load):
    found = "differ in upper and lower case only: 'No', 'no', 'YES', 'Yes', 'yes'; write them alike"
    fails(load, found, labelled("yes", "Yes", "maybe", "No", "no", "maybe", "YES"), "y")


def test_blanks_around_labels_are_no_part_of_them(load):
    assert load(labelled("u", " v", "v ", " u "), label="y").y.tolist() == [0, 1, 1, 0]


def test_no_features(load):
    fails(load, "no columns .* features of 'y'", "y\n0\n1\n", label="y")
    fails(load, "no columns .* features of 'y'", labelled(0, 1), label="y", drop=("a",))


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_empty_file(load, text):
    fails(load, "the file is empty", text)


def test_header_only(load):
    fails(load, "no records below the header", "age,outcome\n")


def test_not_utf8(load):
    text = "size,y\n1,0\n2,größer\n".encode("latin-1")
    fails(load, "line 3 is not UTF-8 .*`iconv -f latin1 -t utf8 ", text, label="y")


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
    fails(load, "column name 'y' occurs more than once", "y,a,y \n0,1,0\n1,2,1\n", label="y")
    load("NA,None,y\n0,1,0\n1,2,1\n1,2,1\n0,2,0\n", label="y")


def test_identifiers(load):
    rows = [f"{i % 2},{i % 7},id-{i}" for i in range(MAX_CATEGORIES + 1)]
    message = "column 'who' has 1001 different values in {} rows .first: id-0.*add it to `drop`"
    text = "\n".join(["y,a,who", *rows, *rows])
    fails(load, message.format(2002), text, label="y")
    assert load(text, label="y", drop=("who",)).spec.shape == (1,)
    at_limit = "\n".join(["y,a,who", *rows[:-1], *rows[:-1]])
    assert load(at_limit, label="y").spec.shape == (1 + MAX_CATEGORIES,)


def test_a_different_word_in_each_row(load):
    text = "who,a,y\nann,1,0\nbob,2,1\ncid,1,0\ndan,2,1\n"
    fails(load, "column 'who' has 4 different values in 4 rows", text, label="y")


@pytest.fixture
def said(load, caplog):
    """What loading such a table logs: one line of information, and the warnings."""

    def said(*args, **params):
        caplog.set_level(logging.INFO, "privbench")
        caplog.clear()
        load(*args, **params)
        (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
        return line, [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]

    return said


def test_a_table_is_echoed(said, tmp_path):
    line, warnings = said(TABLE)
    assert line == (
        f"{tmp_path}/my.csv: 4 records; classes no: 2, yes: 2; 4 features from 2 numeric columns and"
        " 1 categorical column (job: 2)"
    )
    assert warnings == []


def dated(days, records):
    """A table with ``days`` different dates."""
    rows = [f"{i % 4},1.5,2020-{i % days:04},{i % 2}" for i in range(records)]
    return "\n".join(["a,b,day,y", *rows, ""])


@pytest.mark.parametrize(
    ("days", "records", "expected"), [(51, 100, 1), (50, 100, 0), (61, 600, 1), (60, 600, 0)]
)
def test_many_categories_are_doubtful(said, days, records, expected):
    _, warnings = said(dated(days, records), label="y")
    assert len(warnings) == expected
    for warning in warnings:
        found = f"column 'day' has {days} categories in {records} records (such as 2020-0000)"
        assert found in warning
        assert "a date, or numbers with decimal commas? Leave it out with `drop`" in warning


def test_many_categories_that_are_meant(said):
    assert said(dated(51, 100), label="y", categorical=("day",))[1] == []
    assert said(dated(51, 100), label="y", drop=("day",))[1] == []


@pytest.mark.parametrize(
    ("classes", "records", "expected"), [(51, 102, 1), (50, 102, 0), (61, 600, 1), (60, 600, 0)]
)
def test_many_classes_are_doubtful(said, classes, records, expected):
    _, warnings = said(labelled(*(i % classes for i in range(records))), label="y")
    assert len(warnings) == expected
    for warning in warnings:
        assert f"label column 'y' has {classes} classes in {records} records; is it a" in warning


def numbered(numbers):
    """A table with such numbers in the column ``id``."""
    return "id,y\n" + "".join(f"{number},{i % 2}\n" for i, number in enumerate(numbers))


def test_a_record_number_is_doubtful(said):
    _, (warning,) = said(numbered([17, 4, 99, -3]), label="y")
    assert "column 'id' has another whole number in each row" in warning
    assert "looks like a record number (first: 17)" in warning
    assert warning.endswith("drop = ['id']")


@pytest.mark.parametrize("numbers", [[17, 4, 99, 4], [17.5, 4, 99, 3]])
def test_a_quantity_is_not_doubtful(said, numbers):
    assert said(numbered(numbers), label="y")[1] == []


def test_contradictions():
    with pytest.raises(ValidationError, match="drop: 'y' is the label"):
        Csv(path="my.csv", label="y", drop=("y",))
    with pytest.raises(ValidationError, match="drop: 'a' is also in categorical"):
        Csv(path="my.csv", label="y", drop=("a",), categorical=("a", "b"))
    with pytest.raises(ValidationError, match="label"):
        Csv(path="my.csv", label="")
