"""Small tables."""

import numpy as np
import pytest
from small_table import SPEC

from privbench import Data


@pytest.fixture(scope="session")
def data():
    """Records whose label depends on the category, and whose number depends on the label."""
    rng = np.random.default_rng(0)
    category = rng.integers(0, 4, 1000)
    y = (rng.random(1000) < np.array([0.1, 0.3, 0.7, 0.9])[category]).astype(np.int64)
    number = 0.5 * rng.standard_normal(1000) + y
    x = np.hstack([np.eye(4)[category], number[:, None]]).astype(np.float32)
    return Data(x, y, SPEC)
