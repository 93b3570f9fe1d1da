import numpy as np
import pytest

from privbench.data import Column, Data, DataSpec

COLUMNS = (
    Column("age", "numeric", (0, 1)),
    Column("colour", "categorical", (1, 4), ("blue", "green", "red")),
    Column("height", "numeric", (4, 5)),
    Column("sex", "categorical", (5, 7), ("f", "m")),
)
TABLE = DataSpec("tabular", (7,), 2, COLUMNS)


def test_features_of_a_table_are_numeric_or_in_a_categorical_block():
    assert TABLE.n_features == 7
    assert TABLE.numeric_features == (0, 4)
    assert TABLE.categorical_columns == (COLUMNS[1], COLUMNS[3])
    assert TABLE.categorical_blocks == ((1, 4), (5, 7))


def test_features_that_no_column_describes_are_numeric():
    assert DataSpec("tabular", (3,), 2).numeric_features == (0, 1, 2)
    assert DataSpec("tabular", (4,), 2, COLUMNS[1:2]).numeric_features == (0,)


@pytest.mark.parametrize(("kind", "shape", "n"), [("image", (3, 4, 5), 60), ("binary", (9,), 9)])
def test_pixels_and_bits_are_neither_numeric_nor_categorical(kind, shape, n):
    spec = DataSpec(kind, shape, 2, COLUMNS if kind == "binary" else ())
    assert spec.n_features == n
    assert spec.numeric_features == spec.categorical_blocks == spec.categorical_columns == ()


def test_the_repr_that_enters_fingerprints_has_the_four_fields():
    assert repr(DataSpec("binary", (2,), 3)) == (
        "DataSpec(kind='binary', shape=(2,), n_classes=3, columns=())"
    )
    assert repr(COLUMNS[0]) == (
        "Column(name='age', type='numeric', features=(0, 1), categories=())"
    )


def test_take_keeps_the_order_of_the_indices():
    data = Data(np.arange(10, dtype=np.float32).reshape(5, 2), np.arange(5) % 2, TABLE)
    taken = data.take(np.array([3, 0, 3]))
    np.testing.assert_array_equal(taken.x, [[6, 7], [0, 1], [6, 7]])
    np.testing.assert_array_equal(taken.y, [1, 0, 1])
    assert taken.spec is TABLE
    assert len(taken) == 3
