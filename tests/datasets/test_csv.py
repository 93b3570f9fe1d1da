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
    with pytest.raises(DataError, match=rf"(?s)my\.csv: .*{message}") as caught:
        load(*args, **params)
    return str(caught.value)


def test_numbers_stay_and_words_are_one_hot(load):
    data = load(TABLE)
    assert data.x.tolist() == [[10, 1, 0, 1], [20, 0, 1, 2], [30, 1, 0, 1], [20, 0, 1, 2]]
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    assert data.y.tolist() == [1, 0, 1, 0]
    assert data.spec.columns == (
        Column("age", "numeric", (0, 1)),
        Column("job", "categorical", (1, 3), ("cook", "smith")),
        Column("code", "numeric", (3, 4)),
    )
    assert (data.spec.kind, data.spec.shape, data.spec.n_classes) == ("tabular", (4,), 2)


def test_numbers_are_scaled_on_request(load):
    data = load(TABLE, scale="all")
    root = np.sqrt(2)  # ages: mean 20, variance (100 + 0 + 100 + 0) / 4
    expected = [[-root, 1, 0, -1], [0, 0, 1, 1], [root, 1, 0, -1], [0, 0, 1, 1]]
    assert data.x == pytest.approx(np.array(expected))
    assert data.spec.scaled_by == "all"


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
    fails(load, "'y' has no value in 1 of 2 rows", "a,y\n1,0\n1\n", label="y")


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
    with pytest.raises(ValidationError, match="dates: 'y' is the label"):
        Csv(path="my.csv", label="y", dates=("y",))
    with pytest.raises(ValidationError, match="drop: 'a' is also in dates"):
        Csv(path="my.csv", label="y", drop=("a",), dates=("a",))
    with pytest.raises(ValidationError, match="label"):
        Csv(path="my.csv", label="")


GAPS = """\
age,job,seen,outcome
10,cook,2021-01-01,yes
,smith,2021-01-02,no
30,,2021-01-03,yes
20,smith,2021-01-04,no
20,cook,,yes
"""


def test_gaps_are_filled_by_each_split(load):
    data = load(GAPS, missing="median", dates=("seen",))
    assert [column.name for column in data.spec.columns] == ["age", "job", "seen"]
    assert data.spec.columns[1].categories == ("cook", "missing", "smith")
    assert np.argwhere(np.isnan(data.x)).tolist() == [[1, 0], [4, 4]]
    assert data.spec.has_gaps


def test_gaps_are_filled_here_over_all_records(load):
    data = load(GAPS, missing="median", dates=("seen",), scale="all")
    filled = GAPS.replace(",smith,2021-01-02", "20,smith,2021-01-02").replace("30,,", "30,missing,")
    filled = filled.replace("cook,,yes", "cook,2021-01-02T12:00,yes").replace("-02,", "-02T00:00,")
    for day in ("01", "03", "04"):
        filled = filled.replace(f"2021-01-{day},", f"2021-01-{day}T00:00,")
    assert (data.x == load(filled, dates=("seen",), scale="all").x).all()


def test_gaps_as_categories(load):
    columns = load(GAPS, missing="category", dates=("seen",)).spec.columns
    assert [column.name for column in columns] == [
        "age", "age missing", "job", "seen", "seen missing",
    ]  # fmt: skip
    assert columns[1].categories == ("no", "yes")


def test_rows_with_gaps_are_dropped(load):
    more = "40,cook,2021-01-05,\n30,cook,2021-01-06,yes\n50,smith,2021-01-06,no\n"
    data = load(GAPS + more, missing="drop", dates=("seen",))
    assert data.x[:, 0].tolist() == [10, 20, 30, 50]
    assert not data.spec.has_gaps
    fails(load, "each row has a missing value", "a,outcome\n,yes\n1,\n", missing="drop")


def test_wrong_dates_are_told_with_all_else(load):
    message = fails(load, "2 problems", GAPS, dates=("job", "seen"))
    assert "column 'job' has a value that is no date: cook" in message
    assert "missing values" in message
    fails(load, "dates: no column 'sen'; did you mean 'seen'", GAPS, dates=("sen",))


def test_decimal_commas_and_separators(load):
    text = TABLE.replace(",", ";").replace("10;", "10,5;")
    assert load(text).x[0, 0] == load(text, separator=";", decimal=",").x[0, 0] == 10.5
    quoted = "a,y\n" + "".join(f'"{i},5",{i % 2}\n' for i in range(60))
    message = fails(load, '60 different values .*decimal commas: decimal = ","', quoted, label="y")
    assert "drop" not in message
    assert load(quoted, label="y", decimal=",").x[:3, 0].tolist() == [0.5, 1.5, 2.5]


def test_dates_that_are_categories_give_a_warning(logged):
    text = "a,seen,y\n" + "".join(f"{i % 7},2021-01-{i % 9 + 1:02},{i % 2}\n" for i in range(40))
    _, (warning,) = logged(text, label="y")
    assert warning.endswith("column 'seen' has dates, each a category: dates = [\"seen\"]")
    assert logged(text, label="y", dates=("seen",))[1] == []
    assert logged(text, label="y", categorical=("seen",))[1] == []


def test_copies(load, caplog):
    text = "a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(300)) + "7,1\n7,1\n"
    assert len(load(text, label="y")) == 302  # few enough for no warning
    assert "more than once" not in caplog.text
    assert len(load(text + "8,0\n", label="y")) == 303
    assert "5 of 303 records stand there more than once (2 different)" in caplog.text
    dropped = load(text, label="y", duplicates="drop")
    assert dropped.x[:, 0].tolist() == list(range(300))
