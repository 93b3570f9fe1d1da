import numpy as np
import pytest

from privbench.errors import PrivbenchError
from privbench.generators.checks import check_fitted, checked_state


def test_fitted_generators():
    with pytest.raises(PrivbenchError, match="x: fit_population returned 0 generators, expected 2"):
        check_fitted([], 2, "x", encodes=True)
    with pytest.raises(PrivbenchError, match="x: fit returned int, expected a FittedGenerator"):
        check_fitted([3], 1, "x", encodes=True)
    with pytest.raises(PrivbenchError, match=r"x: fit returned int, expected a FittedSampler$"):
        check_fitted([3], 1, "x", encodes=False)


def test_states():
    assert checked_state(None, "x") is None
    assert (checked_state({"a": np.ones(2)}, "x")["a"] == 1).all()
    for returned in (3, {"a": [1]}, {1: np.ones((2, 3))}, {"a": np.array(["x"])}):
        with pytest.raises(PrivbenchError, match="x: state returned"):
            checked_state(returned, "x")
