"""The two mechanisms that read private records: noisy marginals, and the choice of a marginal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privbench_marginals.table import Table

Columns = tuple[int, ...]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """A marginal with Gaussian noise.

    Attributes:
        columns: the columns of the marginal.
        counts: float64 (cells,), the noisy number of records in each cell, flattened.
        sd: the standard deviation of the noise in a cell.
        weights: float64 (cells,), by which counts were multiplied before the noise; None for ones.
    """

    columns: Columns
    counts: Floats
    sd: float
    weights: Floats | None = None


def measure(
    table: Table, marginals: Sequence[Columns], rho: float, rng: np.random.Generator
) -> list[Measurement]:
    """Measure marginals with equal Gaussian noise; together they are rho-zCDP (add-remove).

    A record is in one cell of each marginal, so ``k`` marginals have the L2 sensitivity sqrt(k).
    """
    sd = math.sqrt(len(marginals) / (2 * rho))
    measured = []
    for columns in marginals:
        counts = table.count(columns)
        measured.append(Measurement(columns, counts + sd * rng.standard_normal(len(counts)), sd))
    return measured


def select(
    scores: Floats, epsilon: float, rng: np.random.Generator, *, sensitivity: float = 1.0
) -> int:
    """Return the index of a score by the exponential mechanism, which is epsilon^2/8-zCDP.

    Args:
        scores: float64 (candidates,), the larger the better.
        epsilon: of pure differential privacy.
        rng: draws Gumbel noise, whose largest sum has the distribution of the mechanism.
        sensitivity: how much one added or removed record may change a score.
    """
    noisy = epsilon * scores / (2 * sensitivity) + rng.gumbel(size=len(scores))
    return int(noisy.argmax())


def epsilon_of_selection(rho: float) -> float:
    """Return the epsilon of an exponential mechanism that is rho-zCDP."""
    return math.sqrt(8 * rho)
