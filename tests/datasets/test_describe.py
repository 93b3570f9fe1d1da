import numpy as np
import pytest

from privbench.data import Column, Data, DataSpec
from privbench.datasets.describe import describe

NUMBER = Column("n", "numeric", (0, 1))
WORD = Column("sex", "categorical", (1, 3), ("f", "m"))


def data(labels, columns, n_features):
    spec = DataSpec("tabular", (n_features,), max(labels) + 1, columns)
    return Data(np.zeros((len(labels), n_features), np.float32), np.array(labels), spec)


def test_classes_are_counted_by_name():
    text = describe(data([1, 0, 1], (NUMBER,), 1), ["ill", "well"])
    assert text == "3 records; classes ill: 1, well: 2; 1 feature from 1 numeric column"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((NUMBER, WORD), "1 numeric column and 1 categorical column (sex: 2)"),
        ((WORD, WORD), "2 categorical columns (sex: 2, sex: 2)"),
        ((NUMBER, NUMBER), "2 numeric columns"),
    ],
)
def test_columns(columns, expected):
    assert describe(data([0, 1], columns, 5), "ab").endswith(f"; 5 features from {expected}")


def test_long_lists_and_names_are_cut_short():
    text = describe(data(range(12), (WORD,) * 11, 22), ["x" * 100] * 12)
    assert f"{'x' * 40}: 1, " in text
    assert f"{'x' * 41}" not in text
    assert ": 1 and 2 more; 22 features" in text
    assert text.endswith("sex: 2 and 1 more)")
