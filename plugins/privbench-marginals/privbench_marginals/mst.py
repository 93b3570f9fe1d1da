"""MST: noisy marginals of each column and of the pairs of a spanning tree.

McKenna, Miklau, Sheldon 2021, "Winning the NIST Contest: A scalable and general approach to
differentially private synthetic data", arXiv 2108.04978, algorithm 1.
"""

from __future__ import annotations

import itertools
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench_marginals.accounting import Budget
from privbench_marginals.base import MarginalGenerator, Measured
from privbench_marginals.estimating import estimate, graphical_models
from privbench_marginals.measuring import (
    Columns,
    Measurement,
    epsilon_of_selection,
    measure,
    select,
)
from privbench_marginals.merging import Merging
from privbench_marginals.network import Network
from privbench_marginals.table import Table

Floats = NDArray[np.float64]


class Mst(MarginalGenerator):
    """MST: a graphical model on noisy marginals of a spanning tree of pairs, chosen privately."""

    name: ClassVar[str] = "mst"
    paper: ClassVar[str] = "McKenna, Miklau, Sheldon 2021, arXiv 2108.04978"

    degree: Literal[1, 2] = Field(
        2,
        description="largest marginals: those of pairs (2), or of single columns (1); the latter selects"
        " nothing, so that all of the budget is Gaussian noise",
    )

    def budget(self, n_columns: int) -> Budget:
        """Return a third of rho for the choice of pairs, unless there is nothing to choose."""
        return self.spendable(1 / 3 if self._selects(n_columns) else 0)

    def measure(self, table: Table, rng: np.random.Generator) -> Measured:
        """Measure the columns, choose a spanning tree of pairs, and measure these."""
        n_columns = len(table.sizes)
        budget = self.budget(n_columns)
        columns: list[Columns] = [(column,) for column in range(n_columns)]
        if self.degree == 1:
            measured = measure(table, columns, budget.gaussian, rng)
            return Measured(measured, Merging.none(table.sizes))
        one_way = measure(table, columns, budget.gaussian / 2, rng)
        merging = Merging.of(one_way)
        merged = merging.table(table)
        one_way = [merging.measurement(measurement) for measurement in one_way]
        pairs: list[Columns] = list(itertools.combinations(range(n_columns), 2))
        if self._selects(n_columns):
            pairs = spanning_tree(merged, one_way, budget.selection, rng)
        return Measured([*one_way, *measure(merged, pairs, budget.gaussian / 2, rng)], merging)

    def estimate(self, measured: Measured, sizes: tuple[int, ...]) -> Network:
        """Return the network that fits the measurements."""
        with graphical_models():
            model = estimate(measured.merging.sizes, measured.measurements, self.iterations)
            return Network.of(model, [m.columns for m in measured.measurements])

    def _selects(self, n_columns: int) -> bool:
        return self.degree == 2 and n_columns > 2


def spanning_tree(
    table: Table, one_way: list[Measurement], rho: float, rng: np.random.Generator
) -> list[Columns]:
    """Return pairs of columns that form a tree, by exponential mechanisms; together rho-zCDP.

    Each step adds a pair between two parts. Its score is the L1 distance of its marginal from that of
    independent columns, which one record changes by at most one.
    """
    pairs = list(itertools.combinations(range(len(table.sizes)), 2))
    scores = np.array([_dependence(table, one_way, *pair) for pair in pairs])
    ends = np.array(pairs)
    part = np.arange(len(table.sizes))
    epsilon = epsilon_of_selection(rho / (len(part) - 1))
    tree: list[Columns] = []
    while len(tree) < len(part) - 1:
        allowed = np.flatnonzero(part[ends[:, 0]] != part[ends[:, 1]])
        a, b = pairs[allowed[select(scores[allowed], epsilon, rng)]]
        tree.append((a, b))
        part[part == part[b]] = part[a]
    return tree


def _dependence(table: Table, one_way: list[Measurement], a: int, b: int) -> float:
    expected = np.outer(_counts(one_way[a]), _counts(one_way[b])) / _total(one_way)
    return float(np.abs(table.count((a, b)) - expected.ravel()).sum())


def _counts(measured: Measurement) -> Floats:
    """Return the estimated counts of the categories of a column."""
    counts = measured.counts if measured.weights is None else measured.counts / measured.weights
    return np.maximum(counts, 0)


def _total(one_way: list[Measurement]) -> float:
    """Return the estimated number of records."""
    return max(1.0, float(np.mean([_counts(measured).sum() for measured in one_way])))
