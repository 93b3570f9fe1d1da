"""Audit what MST and AIM read of the private records in the worst case, as mu of Gaussian privacy.

    python -m privbench_marginals.audit --runs 100000

Ganev, Annamalai, Kulynych 2026, "Tight Auditing of Differential Privacy in MST and AIM", arXiv
2604.18352. The neighbours are ten records that are all zeros, without and with a record of ones, in
three binary columns. Either is measured many times; the adversary sees the noisy marginals (white-box)
and decides by their likelihood ratio. As in the paper, all of the budget goes to the marginals of
single columns (``degree = 1``); ``--degree 2`` audits MST with its choice of pairs, of which the
adversary uses only the noisy marginals.

A threshold is chosen on half of the runs. The other half gives the error rates, with Clopper-Pearson
bounds at a joint confidence of 95%, and thereby a lower bound on mu:

    mu >= Phi^-1(1 - FPR) - Phi^-1(FNR)
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from privbench_marginals.aim import Aim
from privbench_marginals.base import MarginalGenerator, Measured
from privbench_marginals.measuring import Columns, Measurement
from privbench_marginals.merging import Merging
from privbench_marginals.mst import Mst
from privbench_marginals.table import Table

CONFIDENCE = 0.95
ZEROS, COLUMNS = 10, 3


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        implied: mu of all Gaussian noise: what the noise allows.
        estimate: mu at the threshold, without allowance for chance.
        lower: lower bound on mu with 95% confidence.
    """

    implied: float
    estimate: float
    lower: float


def neighbours() -> tuple[Table, Table]:
    """Return the table of zeros, and the same with a record of ones."""
    zeros = np.zeros((ZEROS, COLUMNS), dtype=np.int64)
    more = np.vstack([zeros, np.ones((1, COLUMNS), dtype=np.int64)])
    return Table(zeros, (2,) * COLUMNS), Table(more, (2,) * COLUMNS)


def audit(generator: MarginalGenerator, runs: int, rng: np.random.Generator) -> Audit:
    """Measure each of two neighbours ``runs`` times, and bound mu from below.

    Args:
        generator: MST or AIM.
        runs: of each neighbour; half of them choose the threshold.
        rng: the noise.
    """
    budget = generator.budget(COLUMNS)
    without, more = (
        np.array([log_ratio(generator.measure(table, rng)) for _ in range(runs)])
        for table in neighbours()
    )
    half = runs // 2
    threshold = best_threshold(without[:half], more[:half])
    estimate, lower = mu_of_errors(
        int((without[half:] >= threshold).sum()), int((more[half:] < threshold).sum()), runs - half
    )
    return Audit(budget.mu, estimate, lower)


def log_ratio(measured: Measured) -> float:
    """Return the log-likelihood ratio of noisy marginals: with the record of ones, or without it."""
    return sum(_log_ratio(m, measured.merging) for m in measured.measurements)


def _log_ratio(measured: Measurement, merging: Merging) -> float:
    numbers = tuple(tuple(numbers.tolist()) for numbers in merging.numbers)
    without, more = _counts(numbers, measured.columns)
    if measured.weights is not None:
        without, more = without * measured.weights, more * measured.weights
    y, variance = measured.counts, measured.sd**2
    return float((((y - without) ** 2 - (y - more) ** 2) / (2 * variance)).sum())


@cache
def _counts(
    numbers: tuple[tuple[int, ...], ...], columns: Columns
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the marginal of both neighbours after the merging of categories."""
    merging = Merging(tuple(np.array(n) for n in numbers))
    without, more = (merging.table(table).count(columns) for table in neighbours())
    return without, more


def best_threshold(without: NDArray[np.float64], more: NDArray[np.float64]) -> float:
    """Return the threshold at which TPR - FPR is largest; scores from it on mean the larger table."""
    scores = np.sort(np.concatenate([without, more]))
    fpr = 1 - np.searchsorted(np.sort(without), scores) / len(without)
    tpr = 1 - np.searchsorted(np.sort(more), scores) / len(more)
    return float(scores[(tpr - fpr).argmax()])


def mu_of_errors(false_positives: int, false_negatives: int, n: int) -> tuple[float, float]:
    """Return the mu that errors among ``n`` runs of each neighbour suggest, and a lower bound on it.

    The bound takes an upper bound of each error rate with half of the allowed error probability.
    """
    from scipy.stats import beta, norm

    counts = np.array([false_positives, false_negatives])
    high = beta.ppf(1 - (1 - CONFIDENCE) / 2, counts + 1, np.maximum(n - counts, 1e-9))
    estimate, lower = (
        float(norm.ppf(1 - fpr) - norm.ppf(fnr)) for fpr, fnr in (counts / n, np.minimum(high, 1))
    )
    return estimate, max(0.0, lower)


def main() -> None:
    """Print the audits of MST and AIM as a table."""
    parser = argparse.ArgumentParser(description="Worst-case audit of MST and AIM.")
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--delta", type=float, default=0.01)
    parser.add_argument("--degree", type=int, choices=(1, 2), default=1)
    parser.add_argument("--runs", type=int, default=100_000, help="runs of each neighbour")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    given = {"epsilon": args.epsilon, "delta": args.delta, "degree": args.degree}
    generators: list[MarginalGenerator] = [Mst(**given)]
    if args.degree == 1:  # the rounds of AIM fit a model each, which takes seconds
        generators.append(Aim(**given))
    print("| mechanism | implied mu | audited mu | lower bound (95%) |\n|---|---|---|---|")
    for seed, generator in zip(itertools.count(args.seed), generators, strict=False):
        found = audit(generator, args.runs, np.random.default_rng(seed))
        print(
            f"| {generator.name} | {found.implied:.3f} | {found.estimate:.3f} | {found.lower:.3f} |"
        )


if __name__ == "__main__":
    main()
