"""Tables in the spellings that people have."""

import builtins
import gzip
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privbench.datasets.frames import found_separator, parse_frame, read_frame
from privbench.datasets.reading import Content
from privbench.errors import DataError

CASES = Path(__file__).parents[1] / "cases"
TABLE = "age,job,outcome\n10,cook,yes\n20,Käse,no\n"


@pytest.fixture
def read(tmp_path, caplog):
    """Reads a file of such text or bytes."""
    caplog.set_level("INFO", "privbench")

    def read(text, name="my.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_frame(path, **options)

    return read


@pytest.fixture
def fails(read):
    def fails(message, *args, **options):
        with pytest.raises(DataError, match=rf"my\.csv(\.gz)?: .*{message}") as caught:
            read(*args, **options)
        return str(caught.value)

    return fails


def lists(table):
    return {name: column.tolist() for name, column in table.items()}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]
)
def test_any_unicode(read, encoding):
    assert lists(read(TABLE.encode(encoding))) == lists(read(TABLE))
    assert read(TABLE.encode(encoding))["job"].tolist() == ["cook", "Käse"]


def test_a_packed_file_and_a_path_as_text(read, tmp_path):
    read(gzip.compress(TABLE.encode("utf-16")), "my.csv.gz")
    assert lists(read_frame(str(tmp_path / "my.csv.gz"))) == lists(read(TABLE))


@pytest.mark.parametrize(("name", "packed"), [("OLD.csv", False), ("OLD.csv.gz", True)])
def test_the_advice_about_other_encodings_works(fails, tmp_path, name, packed):
    text = TABLE.encode("latin-1")
    data = gzip.compress(text) if packed else text
    message = fails("line 3 is not UTF-8 .* is 'Käse'", data, name.replace("OLD", "my"))
    (tmp_path / name).write_bytes(data)
    command = message.split("`")[1]
    assert command.startswith("gunzip") == packed
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert read_frame(tmp_path / "NEW.csv")["job"].tolist() == ["cook", "Käse"]


def test_an_encoding_that_cannot_be_guessed(fails):
    message = fails("line 2 is not UTF-8", b"a,y\n\x81\xff,1\n")
    assert "find out its encoding" in message
    assert "cp1252" not in message
    fails("is not UTF-16, as its first bytes say", TABLE.encode("utf-16") + b"x")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_found(read, separator, caplog):
    assert lists(read(TABLE.replace(",", separator))) == lists(read(TABLE))
    said = " ".join(caplog.messages)
    assert ("found out" in said) == (separator != ",")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a;b\n1,5;2,5\n", ";"),
        ("a,b;c,d\n1,2;3,4\n", ","),
        ('"a;b",c\n"1;2",3\n', ","),
        ("a|b,c|d\n1|2|3\n4|5|6\n", "|"),
        ("alone\n1;2\n", ","),
        ("", ","),
        ("a\tb c\n1\t2,5\n", "\t"),
    ],
)
def test_which_separator(text, separator):
    assert found_separator(text) == separator


def test_a_separator_that_is_given(read):
    table = read("a~b\n1;2~3\n", separator="~")
    assert lists(table) == {"a": ["1;2"], "b": [3]}
    assert lists(read("sep=~\na~b\n1~3\n")) == {"a": [1], "b": [3]}


def test_decimal_commas_thousands_and_dates(read, caplog):
    text = "a;b;c;day;ip;whole;words\n" + "\n".join(
        [
            "1,5;1.234,50;-1.000;01.02.2021;10.0.0.1;1.234;1,5",
            ";2,25;1e3;02.02.2021;10.0.0.2;12.500;none",
            "2;3;0,5;03.02.2021;10.0.0.3;1;2",
        ]
    )
    table = read(text)
    assert table["a"].fillna(0).tolist() == [1.5, 0, 2]
    assert table["b"].tolist() == [1234.5, 2.25, 3]
    assert table["c"].tolist() == [-1000, 1000, 0.5]
    assert table["whole"].tolist() == [1234, 12500, 1]
    assert table["day"].tolist() == ["01.02.2021", "02.02.2021", "03.02.2021"]
    assert table["ip"].tolist() == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert table["words"].fillna("none").tolist() == ["1,5", "none", "2"]
    assert "separated by semicolons, decimal commas" in caplog.text


def test_decimal_points_between_semicolons(read):
    table = read("a;b\n1.5;1,234\n2.5;1,234,567.5\n")
    assert lists(table) == {"a": [1.5, 2.5], "b": [1234, 1234567.5]}
    assert lists(read("a;b\n1.5;x\n2.500;y\n"))["a"] == [1.5, 2.5]
    assert lists(read("a;b\n1,234;x\n2,500;y\n"))["a"] == [1.234, 2.5]
    assert lists(read("a;b\n1,234;x\n2,500;y\n", decimal="."))["a"] == [1234, 2500]


def test_commas_within_quotes(read):
    assert lists(read('a,b\n"1,234.5",0\n"12",1\n'))["a"] == [1234.5, 12]
    assert lists(read('a,b\n"1,5",0\n"12",1\n'))["a"] == ["1,5", "12"]
    assert lists(read('a,b\n"1,5",0\n"12",1\n', decimal=","))["a"] == [1.5, 12]


def test_columns_that_are_to_stay_text():
    content = Content("my.csv", b"a;b\n007;1,50\n010;2,5\n")
    table = parse_frame(content, text_columns=["a", "b"])
    assert lists(table) == {"a": ["007", "010"], "b": ["1,50", "2,5"]}


def test_what_a_spreadsheet_adds(read, caplog):
    table = read("a;b;;\n1;x;;\n;;;\n2;y;;\n;;;\n")
    assert lists(table) == {"a": [1, 2], "b": ["x", "y"]}
    assert "2 rows without any value are left out" in caplog.text
    assert list(read(",a,b\n0,1,x\n1,2,y\n").columns) == ["Unnamed: 0", "a", "b"]


def test_rows_with_too_many_fields(fails):
    fails("rows have more fields than the header", "a,y\n1,0,0\n2,2,1\n")
    fails("not a table .*line 3", "a,y\n1,0\n1,2,3\n")


def test_files_that_are_no_tables(fails, tmp_path):
    fails("is a workbook or a zip archive", b"PK\x03\x04...")
    fails("the file is empty", "")
    fails("no records below the header", "a,b\n")
    fails("no records below the header", ",\n,\n,\n")
    with pytest.raises(DataError, match=r"no such file \(looked for /"):
        read_frame("absent.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_frame(tmp_path)


def test_parquet_without_pyarrow(fails, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    fails(r"to read Parquet, install pyarrow: pip install 'privbench\[parquet\]'", b"PAR1....PAR1")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "words": pd.Categorical([" u", "v", None]),
            "day": pd.to_datetime(["2021-01-01", None, "2022-01-01"]),
            "flag": [True, False, True],
            "list": [[1], [2], [3]],
        },
        index=pd.Index([5, 6, 7], name="id"),
    )
    frame.to_parquet(tmp_path / "my.parquet")
    table = read_frame(tmp_path / "my.parquet")
    assert list(table.columns) == ["id", "whole", "words", "day", "flag", "list"]
    assert table["id"].tolist() == [5, 6, 7]
    np.testing.assert_array_equal(table["whole"], [1, np.nan, 3])
    assert table["words"].fillna("").tolist() == ["u", "v", ""]
    assert table["day"].dtype.kind == "M"
    assert table["flag"].dtype == bool
    assert table["list"].tolist() == ["[1]", "[2]", "[3]"]
    (tmp_path / "my.parquet").write_bytes(b"PAR1" + bytes(20))
    with pytest.raises(DataError, match="not a table in Parquet"):
        read_frame(tmp_path / "my.parquet")


@pytest.mark.parametrize("name", ["01-duplicates", "02-semicolons", "04-utf16"])
def test_files_of_users(name):
    table = read_frame(CASES / f"{name}.csv")
    assert list(table.columns) == ["age", "income", "town", "member", "outcome"]
    assert len(table) == 240
    assert table["income"].dtype.kind == table["age"].dtype.kind.replace("i", "f") == "f"
    assert sorted(table["town"].unique()) == ["Ayr", "Brno", "Cork"]
