"""Logistic regression against arithmetic in NumPy."""

import numpy as np

from privbench.models.logistic import Logistic

from .arithmetic import SHAPE, built, logits_of, records, shapes_of, weights_of


def test_logistic_is_one_linear_layer():
    module, x = built(Logistic()), records()
    w, b = weights_of(module)
    np.testing.assert_allclose(logits_of(module, x), x.reshape(5, -1) @ w.T + b, atol=1e-5)


def test_sizes_of_logistic():
    assert shapes_of(built(Logistic(), (7,))) == [(3, 7), (3,)]
    assert shapes_of(built(Logistic(), SHAPE)) == [(3, 60), (3,)]
