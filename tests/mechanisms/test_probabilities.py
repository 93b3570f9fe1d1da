"""Arithmetic on probabilities against torch and by hand."""

import numpy as np
import pytest
import torch
from torch.distributions import Categorical

from privbench.mechanisms.probabilities import entropy, renormalise, softmax


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_softmax_and_entropy_are_those_of_torch(dtype):
    logits = 5 * torch.randn(2, 6, 3, dtype=dtype)
    probabilities = softmax(logits.numpy())
    torch.testing.assert_close(torch.tensor(probabilities), logits.softmax(-1))
    expected = Categorical(logits=logits).entropy()
    torch.testing.assert_close(torch.tensor(entropy(probabilities)), expected)


def test_softmax_of_large_logits_is_finite():
    np.testing.assert_array_equal(softmax(np.array([[1e4, 0.0], [-1e4, 0.0]])), [[1, 0], [0, 1]])


def test_certain_outputs_have_no_entropy():
    np.testing.assert_array_equal(entropy(np.eye(3)), 0.0)


def test_renormalise():
    raw = np.array([[0.5, 0.7, -0.2], [-1.0, -2.0, -3.0], [0.0, 0.0, 4.0]])
    third = 1 / 3
    expected = [[0.5 / 1.2, 0.7 / 1.2, 0.0], [third, third, third], [0.0, 0.0, 1.0]]
    np.testing.assert_allclose(renormalise(raw), expected)
