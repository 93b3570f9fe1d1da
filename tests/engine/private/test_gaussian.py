"""The noise is the textbook's Box-Muller transform, and Gaussian."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from privbench.engine.private.gaussian import GaussianNoise

CPU = torch.device("cpu")


def slowly(bits: np.random.SFC64, n: int, sd: float) -> list[float]:
    """Box and Muller, pair by pair, in double precision."""
    pairs = n - n // 2
    halves = []
    for word in bits.random_raw(pairs):
        halves += [int(word) & 0xFFFFFFFF, int(word) >> 32]
    cosines, sines = [], []
    for first, second in zip(halves[:pairs], halves[pairs:], strict=True):
        radius = sd * math.sqrt(-2 * math.log((first + 1) / 2**32))
        angle = math.tau * second / 2**32
        cosines.append(radius * math.cos(angle))
        sines.append(radius * math.sin(angle))
    return cosines + sines[: n // 2]


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_numbers_are_those_of_the_formula(n: int) -> None:
    noise, bits = GaussianNoise(2**62 + 5, CPU), np.random.SFC64(2**62 + 5)
    found = torch.empty(n)
    for _ in range(2):
        noise.fill(found, 0.7)
        expected = torch.tensor(slowly(bits, n, 0.7))
        torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-4)


def test_numbers_are_gaussian_far_into_the_tails() -> None:
    n = 2_000_001
    drawn = torch.empty(n)
    GaussianNoise(3, CPU).fill(drawn, 2.0)
    unit = drawn.double().numpy() / 2
    assert np.isfinite(unit).all()
    assert kstest(unit, "norm").pvalue > 1e-4
    for bound in (3, 4, 4.5):
        expected = n * math.erfc(bound / math.sqrt(2))
        assert abs((abs(unit) > bound).sum() - expected) < 5 * math.sqrt(expected)
    assert abs(np.corrcoef(unit[: n // 2], unit[n // 2 + 1 :])[0, 1]) < 5 / math.sqrt(n // 2)
    assert abs(np.corrcoef(unit[:-1], unit[1:])[0, 1]) < 5 / math.sqrt(n)


def test_seeds_have_streams_of_their_own() -> None:
    first, second, again = torch.empty(3, 1000)
    for seed, out in ((1, first), (2, second), (1, again)):
        GaussianNoise(seed, CPU).fill(out, 1.0)
    assert torch.equal(first, again)
    assert abs(torch.corrcoef(torch.stack([first, second]))[0, 1]) < 0.2
