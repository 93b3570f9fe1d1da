"""What dataset `csv` has to be told about a table."""

from pathlib import Path

import numpy as np
import pytest

from privbench.data import MAX_REPEATED
from privbench.draft import examine
from privbench.errors import BadInput, DataError

CASES = Path(__file__).parent.parent / "cases"


@pytest.fixture
def write(tmp_path):
    """Write 60 rows of columns; a function gives a cell by its row."""

    def write(**columns):
        lines = [",".join(columns)]
        lines += [",".join(str(cell(i)) for cell in columns.values()) for i in range(60)]
        path = tmp_path / "table.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def number(i):
    return round(float(np.random.default_rng(i).normal()), 6)


def test_gaps_dates_and_useless_columns():
    found = examine(CASES / "03-holes-and-dates.csv")
    assert (found.label, found.n_records, found.n_classes, found.n_features) == (
        "outcome",
        240,
        2,
        5,
    )
    assert found.params == {"drop": ["empty", "const"], "dates": ["seen"], "missing": "median"}
    assert list(found.reasons) == list(found.params)
    assert "age (35)" in found.reasons["missing"][0]
    assert found.reasons["drop"] == [
        "empty: no value at all",
        "const: the same value in each row (1)",
    ]


@pytest.mark.parametrize(
    ("case", "params"),
    [
        ("01-duplicates", {"duplicates": "drop"}),
        ("02-semicolons", {"separator": ";", "decimal": ","}),
        ("04-utf16", {}),
    ],
)
def test_copies_and_spellings(case, params):
    found = examine(CASES / f"{case}.csv")
    assert found.params == params
    copies = 1 - found.n_records / 240
    assert (copies > MAX_REPEATED) == ("duplicates" in params)


def test_record_numbers_codes_and_free_text(write):
    found = examine(
        write(
            number=lambda i: i + 1000,
            zip_code=lambda i: 10115 + i % 4,
            note=lambda i: f"note {i * i}",
            amount=lambda i: number(i),
            colour=lambda i: "red" if i % 3 else "blue",
            result=lambda i: i % 2,
        )
    )
    assert found.label == "result"
    assert found.params == {"drop": ["number", "note"], "categorical": ["zip_code"]}


def test_dates_of_which_the_day_may_be_first(write):
    found = examine(
        write(when=lambda i: f"{i % 12 + 1}/{i % 11 + 1}/2021", x=number, y=lambda i: i % 2)
    )
    assert found.params == {"day_first": True, "dates": ["when"]}


def test_decimal_commas_between_commas(write):
    path = write(x=lambda i: f'"{number(i)}"'.replace(".", ","), z=number, y=lambda i: i % 2)
    assert examine(path).params == {"decimal": ","}


def test_rows_without_a_label_are_left_out(write):
    found = examine(write(x=number, y=lambda i: "" if i < 3 else i % 2))
    assert found.params == {"missing": "drop"}
    assert found.n_records == 57


@pytest.mark.parametrize(
    ("names", "label"),
    [(("a", "b"), "b"), (("Target", "b"), "Target"), (("outcome", "class"), "class")],
)
def test_the_label_is_guessed(write, names, label):
    columns = {name: lambda i, k=k: (i + k) % (k + 2) for k, name in enumerate(names)}
    assert examine(write(x=number, **columns)).label == label


def test_a_label_that_is_given_is_used_or_refused(write):
    path = write(x=number, a=lambda i: i % 2, y=lambda i: i % 3)
    found = examine(path, "a")
    assert (found.label, found.n_classes, found.how) == ("a", 2, "given by --label")
    with pytest.raises(BadInput, match=r"--label aa: .*did you mean 'a'\?"):
        examine(path, "aa")
    with pytest.raises(DataError, match="label column 'x' has 60 "):
        examine(path, "x")


def test_a_table_without_a_label(write):
    with pytest.raises(
        BadInput, match=r"no column looks like a label.* give --label NAME \(columns: x"
    ):
        examine(write(x=number, z=lambda i: number(i + 100)))
