"""Features of mixed types: distances by hand."""

import numpy as np
import pandas as pd

from privbench.auditing.synthetic.features import MAX_WORDS, Encoder
from privbench.auditing.synthetic.tables import alike


def encoded(values, reference=None):
    """Return the features (n, width) of one column."""
    table = alike({"train": pd.DataFrame({"c": values})})["train"]
    real = table if reference is None else alike({"r": pd.DataFrame({"c": reference})})["r"]
    return Encoder.fit(real, [table, real])(table).x


def squares(x):
    """Return squared distances between all records."""
    return ((x[:, None] - x[None]) ** 2).sum(-1)


def test_numbers_are_in_standard_deviations_of_the_reference():
    x = encoded([0.0, 4.0, 1e30], reference=[1.0, 3.0, 1.0, 3.0])
    np.testing.assert_allclose(x[:, 0], [-2.0, 2.0, 1e4])


def test_a_hole_is_the_median_and_has_a_feature_of_its_own():
    x = encoded([1.0, np.nan, 3.0], reference=[1.0, 2.0, 3.0])
    np.testing.assert_allclose(x[1], [0.0, 1.0])
    np.testing.assert_allclose(x[:, 1], [0.0, 1.0, 0.0])


def test_a_constant_column_and_an_empty_one_are_finite():
    assert np.isfinite(encoded([5.0, 6.0], reference=[5.0, 5.0])).all()
    assert np.isfinite(encoded([None, None])).all()


def test_different_words_add_two_to_a_squared_distance():
    found = squares(encoded(["a", "b", None, "a"]))
    expected = 2.0 * (1 - np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1]]))
    np.testing.assert_allclose(found, expected)


def test_of_many_words_equal_ones_are_at_distance_0_and_others_at_about_the_same():
    words = [f"word {i}" for i in range(200)]
    x = encoded([*words, "word 7", None, None])
    assert x.shape[1] == MAX_WORDS
    found = squares(x)
    assert found[7, 200] == found[201, 202] == 0
    others = found[:200, :200][~np.eye(200, dtype=bool)]
    assert abs(others.mean() - 2) < 0.02
    assert others.min() > 0.3


def test_the_columns_are_described():
    table = pd.DataFrame({"a": ["x", "y"], "b": [1.0, np.nan], "c": [1.0, 2.0]})
    table = alike({"train": table})["train"]
    spec = Encoder.fit(table, [table]).spec
    assert spec.shape == (5,)
    assert spec.categorical_blocks == ((0, 2),)
    names = [column.name for column in spec.columns]
    assert names == ["a", "b", "b is missing", "c"]
