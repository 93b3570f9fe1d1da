import gzip

import numpy as np
import pytest

from privbench.datasets.adult import TYPES, Adult, parse_adult
from privbench.datasets.reading import Content
from privbench.errors import DataError

FIRST = (
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White,"
    " Male, 2174, 0, 40, United-States, <=50K\n"
)
SECOND = "20, ?, 5, HS-grad, 9, Divorced, ?, Unmarried, Black, Female, 0, 10, 60, ?, >50K\n"


class Small(Adult):
    """Two training records and one test record."""

    records = (2, 1)


def contents(*texts):
    return [Content(f"file-{i}", text.encode()) for i, text in enumerate(texts)]


def undo(data, i):
    """Record i as text and numbers, by column."""
    values = {}
    for column in data.spec.columns:
        features = data.x[i, slice(*column.features)]
        if column.type == "categorical":
            assert sorted(features) == [0] * (len(column.categories) - 1) + [1]
            values[column.name] = column.categories[features.argmax()]
        else:
            (values[column.name],) = features
    return values


def test_comment_dots_blank_lines_and_question_marks():
    test_file = "|1x3 Cross validator\n" + SECOND.replace("50K", "50K.") + "\n"
    data = Small().decode(contents(FIRST + SECOND.replace(">", "<=") + "\n", test_file))
    assert data.y.tolist() == [0, 0, 1]
    assert [column.name for column in data.spec.columns] == list(TYPES)
    assert data.spec.columns[1].categories == ("?", "State-gov")
    assert undo(data, 2)["native-country"] == "?"
    assert data.x[:, 0].tolist() == [39, 20, 20]
    assert data.spec.scaled_by == "reference"


def test_wrong_contents():
    for text, found in [
        (
            FIRST.replace("<=50K", "50000"),
            r"file-0: found label '50000', expected labels <=50K and",
        ),
        (FIRST.replace(", <=50K", ""), r"file-0: found label ''"),
        (
            FIRST.replace("39", "old"),
            r"file-0: found text that cannot be parsed .*expected lines of 15 fields",
        ),
        (FIRST.replace("39", "1, 39"), r"file-0: found more fields, expected lines of 15 fields"),
        ("", r"file-0: found 0 records, expected 2"),
        (FIRST, r"file-0: found 1 records, expected 2"),
    ]:
        with pytest.raises(DataError, match=found):
            Small().decode(contents(text, SECOND))


def test_parse_keeps_every_column():
    (content,) = contents(FIRST)
    assert parse_adult(content).iloc[0].astype(str).tolist() == FIRST.strip().split(", ")


@pytest.fixture(scope="module")
def adult(real):
    return real(Adult())


def test_real_counts(adult):
    assert adult.x.shape == (48_842, 108)
    assert np.bincount(adult.y).tolist() == [37_155, 11_687]
    assert np.bincount(adult.y[:32_561]).tolist() == [24_720, 7_841]
    sizes = {column.name: len(column.categories) for column in adult.spec.columns}
    assert [sizes[name] for name in TYPES] == [0, 9, 0, 16, 0, 7, 15, 6, 5, 2, 0, 0, 0, 42]
    assert adult.spec.columns[-1].features == (66, 108)


def test_real_records_match_the_raw_lines(adult):
    data_path, test_path = Adult().fetch()
    raw = []
    for path in (data_path, test_path):
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
            raw += [line.strip().split(", ") for line in file if line.count(",") == 14]
    assert len(raw) == 48_842
    for i in (0, 27, 32_560, 32_561, 48_841):
        assert adult.y[i] == (">50K" in raw[i][-1])
        for field, (name, value) in zip(raw[i], undo(adult, i).items(), strict=False):
            assert value == (float(field) if TYPES[name] == "int64" else field)
