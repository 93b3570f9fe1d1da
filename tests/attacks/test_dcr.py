"""DCR: against the distances of SciPy."""

import numpy as np
from scipy.spatial.distance import cdist

from privbench.attacks.dcr import Dcr

from .releases import (
    near,
    views_of_releases,
)


def test_slow_reference():
    view = views_of_releases(near)[0]
    expected = -cdist(view.records, view.synthetic.x).min(axis=1)
    np.testing.assert_allclose(Dcr().score(view), expected, rtol=1e-5)
