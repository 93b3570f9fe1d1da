"""What noisy copies look like."""

from math import sqrt

import numpy as np
import pytest

from privbench.attacks.copies import noisy_copies

N_COPIES = 4000


def mixed_records(n=20):
    """Two binary features, a number, and one that never changes."""
    rng = np.random.default_rng(0)
    binary = np.stack([np.arange(n) % 2, np.arange(n) // 2 % 2], axis=1)
    return np.hstack([binary, rng.normal(size=(n, 1)), np.zeros((n, 1))]).astype(np.float32)


@pytest.fixture(scope="module")
def copies():
    return np.stack(list(noisy_copies(mixed_records(), N_COPIES, noise=0.5, flips=0.1)))


def test_binary_features_are_flipped_each_for_itself(copies):
    assert copies.dtype == np.float32
    assert set(np.unique(copies[..., :2])) == {0, 1}
    first, second = np.moveaxis(copies[..., :2] != mixed_records()[:, :2], -1, 0)
    for flipped in (first, second):
        assert flipped.mean() == pytest.approx(0.1, abs=4 * sqrt(0.09 / N_COPIES))
    assert np.mean(first & second) == pytest.approx(0.01, abs=4 * sqrt(0.01 / N_COPIES))


def test_numbers_and_constant_features_get_gaussian_noise(copies):
    moved = copies[..., 2:] - mixed_records()[:, 2:]
    np.testing.assert_allclose(moved.mean(axis=(0, 1)), 0, atol=4 * 0.5 / sqrt(N_COPIES))
    np.testing.assert_allclose(moved.std(axis=(0, 1)), 0.5, rtol=4 / sqrt(2 * N_COPIES))


def test_all_records_of_a_copy_are_perturbed_in_the_same_way(copies):
    changes = copies - mixed_records()
    np.testing.assert_allclose(
        changes[..., 2:], changes[:, :1, 2:] + 0 * changes[..., 2:], atol=1e-6
    )
    flipped = changes[..., :2] != 0
    np.testing.assert_array_equal(flipped, flipped[:, :1] | np.zeros_like(flipped))


def test_another_call_gives_the_same_perturbations_and_the_order_of_records_does_not_matter():
    records = mixed_records()
    order = np.random.default_rng(1).permutation(len(records))
    for one, other in zip(
        noisy_copies(records, 3, 0.5, 0.1), noisy_copies(records[order], 3, 0.5, 0.1), strict=True
    ):
        np.testing.assert_array_equal(one[order], other)


def test_images_keep_their_shape():
    (copy,) = noisy_copies(
        np.random.default_rng(0).random((3, 1, 4, 5), dtype=np.float32), 1, 0.1, 0.1
    )
    assert copy.shape == (3, 1, 4, 5)
