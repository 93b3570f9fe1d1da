"""Leave-one-out statistics: against NumPy without the row."""

import numpy as np
import pytest

from privbench.attacks import moments
from privbench.attacks.moments import (
    Moments,
    chunks,
    fill_missing,
    means,
    medians,
    subtract_out_mean,
)


def plain(rng, shape):
    return rng.normal(size=shape)


def ties(rng, shape):
    return rng.integers(0, 3, shape).astype(float)


def equal(rng, shape):
    return np.full(shape, 0.1)


def far_from_zero(rng, shape):
    return 1e8 + rng.normal(size=shape)


def one_is_huge(rng, shape):
    """Return values of 1e-8 with one of 1e8 per record, in whose sum the others are lost."""
    values = 1e-8 * rng.normal(size=shape)
    values[rng.integers(0, shape[0], shape[1]), np.arange(shape[1])] = 1e8
    return values


def huge_and_tiny(rng, shape):
    return np.where(rng.random(shape) < 0.5, 1e8, 1e-8) * rng.normal(size=shape)


def probabilities(rng, shape):
    """Return probabilities that are 1 or about 1e-30."""
    return np.where(rng.random(shape) < 0.3, 1.0, 1e-30 * (1 + rng.random(shape)))


KINDS = [plain, ties, equal, far_from_zero, one_is_huge, huge_and_tiny, probabilities]


def by_hand(values, used, leave_one_out, of, empty):
    """Apply ``of`` to the values that each target sees of each record; ``empty`` if there are none."""
    targets = range(len(values)) if leave_one_out else [None]
    result = np.empty((len(targets), values.shape[1]))
    for row, target in enumerate(targets):
        for record in range(values.shape[1]):
            seen = used[:, record].copy()
            if target is not None:
                seen[target] = False
            left = values[seen, record]
            result[row, record] = of(left) if len(left) else empty
    return result


@pytest.fixture(params=KINDS)
def values(request):
    return request.param(np.random.default_rng(0), (7, 50))


@pytest.fixture
def used():
    """Which values are used: 0, 1, ..., 7 per record."""
    rng = np.random.default_rng(1)
    return rng.random((7, 50)).argsort(axis=0) < np.arange(50) % 8


def close(result, expected, scale=0.0):
    """Check equality to nine digits, or to fifteen digits of ``scale``, as NumPy rounds as well."""
    assert result.shape == expected.shape
    assert (np.abs(result - expected) <= 1e-9 * np.abs(expected) + 1e-15 * scale).all()


@pytest.mark.parametrize("leave_one_out", [True, False])
def test_moments(values, used, leave_one_out):
    result = Moments.of(values, used, leave_one_out=leave_one_out)
    count = by_hand(values, used, leave_one_out, len, 0)
    np.testing.assert_array_equal(result.count, count)
    # The tolerance is relative to the values that the target sees, so that no other one may show.
    largest = by_hand(values, used, leave_one_out, lambda v: np.abs(v).max(), 0)
    close(result.mean, by_hand(values, used, leave_one_out, np.mean, 0), 10 * largest)
    squares = by_hand(values, used, leave_one_out, lambda v: ((v - v.mean()) ** 2).sum(), 0)
    spread = np.sqrt(squares)
    close(result.squares, squares, 1e3 * spread * largest + 1e-12 * largest**2)


def test_a_targets_own_row_changes_nothing_to_the_last_bit(values, used):
    """Neither its value nor whether it is used."""
    changed = used.copy(), values.copy()
    changed[0][3] = ~used[3]
    changed[1][3] = 7.0
    for flags, numbers in [(changed[0], values), (used, changed[1]), changed]:
        for of in (all_moments, medians, means):
            result = np.atleast_3d(of(numbers, flags, leave_one_out=True))
            expected = np.atleast_3d(of(values, used, leave_one_out=True))
            np.testing.assert_array_equal(result[3], expected[3])


def all_moments(values, used, leave_one_out):
    result = Moments.of(values, used, leave_one_out=leave_one_out)
    return np.stack([result.count, result.mean, result.squares], axis=-1)


@pytest.mark.parametrize("leave_one_out", [True, False])
@pytest.mark.parametrize("value", [0.1, -1e-9, 1e8 / 3])
def test_moments_of_equal_values_are_exact(value, used, leave_one_out):
    result = Moments.of(np.full(used.shape, value), used, leave_one_out=leave_one_out)
    np.testing.assert_array_equal(result.mean, np.where(result.count > 0, value, 0))
    np.testing.assert_array_equal(result.squares, 0)


def test_fill_missing_with_equal_values_is_exact():
    result = np.full((1, 1000), 0.1)
    result[0, ::7] = np.nan
    np.testing.assert_array_equal(fill_missing(result), 0.1)


@pytest.mark.parametrize("leave_one_out", [True, False])
def test_medians(values, used, leave_one_out):
    result = medians(values, used, leave_one_out=leave_one_out)
    close(result, by_hand(values, used, leave_one_out, np.median, 0))


@pytest.mark.parametrize("leave_one_out", [True, False])
def test_means_are_exact_whatever_is_left_out(used, leave_one_out):
    """Means of non-negative numbers, such as probabilities, are accurate to their last digits."""
    values = probabilities(np.random.default_rng(0), used.shape)
    result = means(values, used, leave_one_out=leave_one_out)
    expected = by_hand(values, used, leave_one_out, np.mean, np.nan)
    np.testing.assert_allclose(result, expected, rtol=1e-14)


@pytest.mark.parametrize("n_shadows", [1, 2])
def test_one_or_two_shadows(n_shadows):
    values = np.array([[3.0, 5.0], [7.0, 11.0]])[:n_shadows]
    used = np.array([[True, True], [True, False]])[:n_shadows]
    for of, name in [(np.mean, "mean"), (lambda v: v.var() * len(v), "squares")]:
        result = getattr(Moments.of(values, used, leave_one_out=True), name)
        np.testing.assert_allclose(result, by_hand(values, used, True, of, 0))
    np.testing.assert_allclose(
        medians(values, used, leave_one_out=True), by_hand(values, used, True, np.median, 0)
    )
    np.testing.assert_allclose(
        means(values, used, leave_one_out=True), by_hand(values, used, True, np.mean, np.nan)
    )


def test_fill_missing_takes_the_mean_over_the_other_records():
    nan = np.nan
    result = fill_missing(np.array([[1.0, nan, 3.0], [nan, nan, 5.0], [nan, nan, nan]]))
    np.testing.assert_array_equal(result, [[1, 2, 3], [5, 5, 5], [0, 0, 0]])


@pytest.mark.parametrize("chunk", [1, 30, 100, 10_000])
@pytest.mark.parametrize("leave_one_out", [True, False])
def test_subtract_out_mean(chunk, leave_one_out, used, monkeypatch):
    """Records without an OUT shadow get the mean over all others, in all chunks."""
    monkeypatch.setattr(moments, "CHUNK", chunk)
    values = plain(np.random.default_rng(0), (7, 50))
    out = by_hand(values, used, leave_one_out, np.mean, np.nan)
    typical = np.nanmean(out, axis=1, keepdims=True)
    expected = values - np.where(np.isnan(out), typical, out)
    np.testing.assert_allclose(subtract_out_mean(values, values, ~used, leave_one_out), expected)


@pytest.mark.parametrize("chunk", [1, 10, 64, 10_000])
@pytest.mark.parametrize("n_records", [1, 9, 50])
def test_chunks_cover_each_record_once(chunk, n_records, monkeypatch):
    monkeypatch.setattr(moments, "CHUNK", chunk)
    parts = [np.arange(n_records)[part] for part in chunks(5, n_records)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(n_records))
    assert all(len(part) <= max(1, chunk // 5) for part in parts)
