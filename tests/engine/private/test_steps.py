"""Poisson batches, and the lengths to which they are padded."""

import numpy as np

from privbench.engine import PrivateSteps


def test_batches_are_padded_to_few_lengths():
    assert PrivateSteps(64 / 2505, 1, 1.0, 1.0).lengths(2505) == [80, 96]
    assert PrivateSteps(1.0, 1, 1.0, 1.0).lengths(40) == [40]
    assert PrivateSteps(0.5, 1, 1.0, 1.0).lengths(10) == [10]


def test_batches_are_poisson_samples_and_the_rest_is_padding():
    """Each record with the sampling rate, independently of the other models."""
    private, m = PrivateSteps(0.3, 1, 1.0, 1.0), 2000
    rngs = [np.random.default_rng(seed) for seed in (1, 2)]
    positions, is_example = private.poisson_batches(m, rngs)
    again = [np.random.default_rng(seed).random(m) < 0.3 for seed in (1, 2)]
    assert positions.shape == is_example.shape
    for row, member in enumerate(again):
        assert positions[row][is_example[row]].tolist() == np.flatnonzero(member).tolist()
        assert abs(int(is_example[row].sum()) - 600) < 5 * 20.5  # sd of the batch size
    assert positions.shape[1] in private.lengths(m)


def test_a_batch_without_records_is_padding_alone():
    private = PrivateSteps(1e-9, 1, 1.0, 1.0)
    _, is_example = private.poisson_batches(10, [np.random.default_rng(0)] * 2)
    assert not is_example.any()
    assert is_example.shape[1] >= 1
