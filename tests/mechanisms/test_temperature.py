"""Temperature scaling of known logits."""

import numpy as np
import pytest

from privbench.mechanisms.label_only import LabelOnlyOutput
from privbench.mechanisms.probabilities import softmax
from privbench.mechanisms.temperature import Temperature

from .outputs import CLASSES, outputs, rng


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_temperature_divides_logits(temperature):
    logits = 3 * rng().normal(size=(100, CLASSES))
    found = Temperature(temperature=temperature).apply(softmax(logits), rng())
    np.testing.assert_allclose(found, softmax(logits / temperature), atol=1e-12)


def test_temperatures_multiply():
    bare = outputs()
    np.testing.assert_allclose(Temperature(temperature=1).apply(bare, rng()), bare)
    twice = bare
    for temperature in (0.5, 6.0):
        twice = Temperature(temperature=temperature).apply(twice, rng())
    np.testing.assert_allclose(Temperature(temperature=3).apply(bare, rng()), twice, atol=1e-12)


def test_limits_of_temperature():
    hot = Temperature(temperature=1e6).apply(outputs(), rng())
    np.testing.assert_allclose(hot, 1 / CLASSES, atol=1e-4)
    cold = Temperature(temperature=1e-4).apply(outputs(20), rng())
    np.testing.assert_allclose(cold, LabelOnlyOutput().apply(outputs(20), rng()), atol=1e-6)
