"""Values, labels and categories of tables that are refused, or give a warning."""

import pytest

from privbench.datasets.checks import MAX_CATEGORIES, MAX_DECIMALS
from privbench.errors import DataError


def fails(load, message, *args, **params):
    with pytest.raises(DataError, match=rf"(?s)my\.csv: .*{message}") as caught:
        load(*args, **params)
    return str(caught.value)


def test_missing_values(load):
    text = "age,job,other,y\n1,cook,,0\n,cook,1,1\nNA,,2,0\n4,smith,3,\n"
    message = fails(load, "missing values", text, label="y", drop=("other",))
    assert 'age (2 of 4 rows), job (1 of 4 rows): missing = "median"' in message
    assert "'y' has no value in 1 of 4 rows: missing = \"drop\"" in message
    assert "column 'other'" not in message
    assert message.endswith('all of it in benchmarks.toml, beside `path`: missing = "drop"')


def test_many_columns_with_missing_values_are_counted(load):
    names = [f"c{i}" for i in range(12)]
    text = ",".join([*names, "y"]) + "\n" + "," * 12 + "0\n" + "1," * 12 + "1\n"
    message = fails(load, "missing values", text, label="y")
    assert "c9 (1 of 2 rows) and 2 more: missing =" in message


@pytest.mark.parametrize("value", ["inf", "-inf", "1e300"])
def test_infinite_values(load, value):
    fails(
        load,
        r"infinite or too large .*b \(1 of 2 rows\)",
        f"a,b,y\n1,2,0\n1,{value},1\n",
        label="y",
    )


def test_one_class(load):
    fails(load, r"'outcome' has only one class \(yes\)", "a,outcome\n1,yes\n2,yes\n")


def labelled(*labels):
    """A table of such labels in the column ``y``."""
    return "a,y\n" + "".join(f"{i % 3},{label}\n" for i, label in enumerate(labels))


@pytest.mark.parametrize("prefix", ["", "id-"])
def test_a_record_number_is_not_a_label(load, prefix):
    message = fails(
        load,
        "is it a quantity, or a record number",
        labelled(*(f"{prefix}{i}" for i in range(100, 200))),
        "y",
    )
    assert "'y' has 100 classes in 100 records, 100 with one record" in message
    assert f"(such as {prefix}100, {prefix}101, {prefix}102)" in message
    assert f"A label has 2 to {MAX_CATEGORIES} classes with at least 2 records each" in message


def test_each_class_needs_two_records(load):
    rare = labelled("u", "v", "v", "u", "w", "u")
    fails(load, r"'y' has 3 classes in 6 records, 1 with one record \(such as w\)", rare, "y")
    assert load(rare + "0,w\n", label="y").spec.n_classes == 3


def test_a_quantity_is_not_a_label(load):
    steps = [0.5 * i for i in range(MAX_DECIMALS + 1)]
    found = rf"'y' has {MAX_DECIMALS + 1} different numbers with decimals \(such as 0.0, 0.5, 1.0\)"
    fails(load, f"{found}; is it a quantity", labelled(*steps, *steps), "y")
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
    found = "differ only in case: 'No', 'no', 'YES', 'Yes', 'yes'; spell them the same"
    fails(load, found, labelled("yes", "Yes", "maybe", "No", "no", "maybe", "YES"), "y")


def test_identifiers(load):
    rows = [f"{i % 2},{i % 7},id-{i}" for i in range(MAX_CATEGORIES + 1)]
    message = "column 'who' has 1001 different values in {} rows .first: id-0.*: drop = ..who.."
    text = "\n".join(["y,a,who", *rows, *rows])
    fails(load, message.format(2002), text, label="y")
    assert load(text, label="y", drop=("who",)).spec.shape == (1,)
    at_limit = "\n".join(["y,a,who", *rows[:-1], *rows[:-1]])
    assert load(at_limit, label="y").spec.shape == (1 + MAX_CATEGORIES,)


def test_a_different_word_in_each_row(load):
    text = "who,a,y\nann,1,0\nbob,2,1\ncid,1,0\ndan,2,1\n"
    fails(load, "column 'who' has 4 different values in 4 rows", text, label="y")


def dated(days, records):
    """A table with ``days`` different dates."""
    rows = [f"{i % 4},{i % 3}.5,2020-{i % days:04},{i % 2}" for i in range(records)]
    return "\n".join(["a,b,day,y", *rows, ""])


@pytest.mark.parametrize(
    ("days", "records", "expected"), [(51, 100, 1), (50, 100, 0), (61, 600, 1), (60, 600, 0)]
)
def test_many_categories_give_a_warning(logged, days, records, expected):
    _, warnings = logged(dated(days, records), label="y")
    assert len(warnings) == expected
    for warning in warnings:
        found = f"column 'day' has {days} categories in {records} records (such as 2020-0000)"
        assert found in warning
        assert warning.endswith('drop = ["day"], or, if that is intended: categorical = ["day"]')


def test_declared_categories_give_no_warning(logged):
    assert logged(dated(51, 100), label="y", categorical=("day",))[1] == []
    assert logged(dated(51, 100), label="y", drop=("day",))[1] == []


@pytest.mark.parametrize(
    ("classes", "records", "expected"), [(51, 102, 1), (50, 102, 0), (61, 600, 1), (60, 600, 0)]
)
def test_many_classes_give_a_warning(logged, classes, records, expected):
    _, warnings = logged(labelled(*(i % classes for i in range(records))), label="y")
    assert len(warnings) == expected
    for warning in warnings:
        assert f"label column 'y' has {classes} classes in {records} records; is it a" in warning


def numbered(numbers):
    """A table with such numbers in the column ``id``."""
    return "id,y\n" + "".join(f"{number},{i % 2}\n" for i, number in enumerate(numbers))


def test_a_record_number_gives_a_warning(logged):
    _, (warning,) = logged(numbered([17, 4, 99, -3]), label="y")
    assert "column 'id' has a different whole number in each row" in warning
    assert "looks like a record number (first: 17)" in warning
    assert warning.endswith('drop = ["id"]')


@pytest.mark.parametrize("numbers", [[17, 4, 99, 4], [17.5, 4, 99, 3]])
def test_a_quantity_gives_no_warning(logged, numbers):
    assert logged(numbered(numbers), label="y")[1] == []
