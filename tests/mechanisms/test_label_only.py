"""Labels without probabilities."""

import numpy as np

from privbench.mechanisms.label_only import LabelOnlyOutput

from .outputs import CLASSES, outputs, rng


def test_label_only_is_one_hot():
    found = LabelOnlyOutput().apply(outputs(), rng())
    np.testing.assert_array_equal(found, np.eye(CLASSES)[outputs().argmax(1)])


def test_the_first_of_tied_classes_is_published():
    found = LabelOnlyOutput().apply(np.array([[0.2, 0.4, 0.4]]), rng())
    np.testing.assert_array_equal(found, [[0, 1, 0]])
