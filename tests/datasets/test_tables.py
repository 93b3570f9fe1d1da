import numpy as np
import pandas as pd
import pytest

from privbench.data import Column
from privbench.datasets.tables import is_finite_float32, one_hot, standardise, table_data


def test_standardise_by_hand():
    # mean 2, variance (1 + 0 + 1) / 3
    result = standardise(np.array([[1], [2], [3]]))
    assert result.dtype == np.float32
    assert result.ravel() == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])


def test_columns_are_standardised_one_by_one():
    values = np.random.default_rng(0).normal([3, -1e6, 0], [1e-3, 1e4, 1], (500, 3))
    result = standardise(values).astype(np.float64)
    assert result.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)
    assert result.std(axis=0) == pytest.approx(np.ones(3), abs=1e-6)


def test_gaps_become_medians():
    frame = pd.DataFrame({"n": [1.0, np.nan, 2.0, 9.0], "m": [1.0, 2.0, 3.0, 4.0]})
    y = np.array([0, 1, 0, 1])
    filled = table_data(frame.fillna({"n": 2.0}), [], y, scale="all")
    data = table_data(frame, [], y, scale="all")
    assert (data.x == filled.x).all()
    assert not data.spec.has_gaps
    data = table_data(frame, [], y)
    assert np.isnan(data.x).tolist() == [[False] * 2, [True, False], [False] * 2, [False] * 2]
    assert data.spec.has_gaps


def test_constant_columns_become_zeros():
    constant = np.full((1000, 1), 0.1)
    assert constant.std(axis=0) != 0  # because of rounding
    assert (standardise(constant) == 0).all()


def test_one_hot():
    block, categories = one_hot(pd.Series(["b", "a", "b", "10", "9"]))
    assert categories == ("10", "9", "a", "b")
    assert block.tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]


def test_features_keep_the_order_of_the_columns():
    frame = pd.DataFrame({"c": ["u", "v", "u"], "n": [0, 0, 3], "d": [7, 7, 5]})
    y = np.array([0, 2, 1])
    assert table_data(frame, ["c", "d"], y).x[:, 2].tolist() == [0, 0, 3]
    data = table_data(frame, ["c", "d"], y, scale="all")
    assert data.spec.columns == (
        Column("c", "categorical", (0, 2), ("u", "v")),
        Column("n", "numeric", (2, 3)),
        Column("d", "categorical", (3, 5), ("5", "7")),
    )
    assert (data.spec.shape, data.spec.n_classes) == ((5,), 3)
    low, high = -1 / np.sqrt(2), np.sqrt(2)
    expected = [[1, 0, low, 0, 1], [0, 1, low, 0, 1], [1, 0, high, 1, 0]]
    assert data.x == pytest.approx(np.array(expected))


def test_finite_numbers():
    numbers = np.array([0, -1e38, 1e39, np.nan, -np.inf])
    assert is_finite_float32(numbers).tolist() == [True, True, False, False, False]
    assert is_finite_float32(np.array([True, False])).all()
