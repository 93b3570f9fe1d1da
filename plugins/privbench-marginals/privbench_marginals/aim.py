"""AIM: marginals are measured one after another, each the one that the model fits worst.

McKenna, Mullins, Sheldon, Miklau 2022, "AIM: An Adaptive and Iterative Mechanism for Differentially
Private Synthetic Data", arXiv 2201.12677, algorithms 2 and 3. The workload is all marginals of
``degree`` columns.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
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

if TYPE_CHECKING:
    from mbi import MarkovRandomField

SELECTION = 0.1
"""The share of rho that a round spends on the choice of its marginal."""
EXPECTED_ERROR = math.sqrt(2 / math.pi)
"""The mean absolute value of a standard normal."""


@dataclass(frozen=True)
class Round:
    """What a round spends, as rho."""

    gaussian: float
    selection: float

    @classmethod
    def of(cls, rho: float) -> Round:
        """Return a round that spends rho."""
        return cls((1 - SELECTION) * rho, SELECTION * rho)

    @property
    def total(self) -> float:
        """All that it spends."""
        return self.gaussian + self.selection

    @property
    def sd(self) -> float:
        """The standard deviation of the noise on its marginal."""
        return math.sqrt(1 / (2 * self.gaussian))


class Aim(MarginalGenerator):
    """AIM: a graphical model on noisy marginals that are chosen, one by one, where it fits worst."""

    name: ClassVar[str] = "aim"
    paper: ClassVar[str] = "McKenna, Mullins, Sheldon, Miklau 2022, arXiv 2201.12677"

    degree: int = Field(
        2,
        ge=1,
        le=3,
        description="columns of the largest marginals; with 1 nothing is selected, so that all of the"
        " budget is Gaussian noise",
    )
    rounds: int | None = Field(
        None,
        ge=1,
        description="rounds for which the budget is meant at first; 16 per column by default",
    )
    size: float = Field(1.0, gt=0, description="largest graphical model, in MB")

    def budget(self, n_columns: int) -> Budget:
        """Return a tenth of rho for selections, at most, unless there is nothing to choose."""
        return self.spendable(SELECTION if self.degree > 1 else 0)

    def estimate(self, measured: Measured, sizes: tuple[int, ...]) -> Network:
        """Return the network that fits the measurements."""
        with graphical_models():
            model = estimate(sizes, measured.measurements, self.iterations)
            return Network.of(model, [m.columns for m in measured.measurements])

    def measure(self, table: Table, rng: np.random.Generator) -> Measured:
        """Measure the columns, then, round by round, the marginal that the model fits worst."""
        budget = self.budget(len(table.sizes))
        columns: list[Columns] = [(column,) for column in range(len(table.sizes))]
        if self.degree == 1:
            measured = measure(table, columns, budget.gaussian, rng)
        else:
            with graphical_models():
                measured = self._rounds(table, columns, budget.total, rng)
        return Measured(measured, Merging.none(table.sizes))

    def _rounds(
        self, table: Table, columns: list[Columns], rho: float, rng: np.random.Generator
    ) -> list[Measurement]:
        now = Round.of(rho / (self.rounds or 16 * len(columns)))
        spent = min(now.gaussian * len(columns), (1 - SELECTION) * rho / 2)
        measured = measure(table, columns, spent, rng)
        model = estimate(table.sizes, measured, self.iterations)
        weights = workload(len(columns), self.degree)
        truth = {marginal: table.count(marginal) for marginal in weights}
        while (left := rho - spent) > 1e-9 * rho:
            if left < 2 * now.total:
                now = Round.of(left)
            spent += now.total
            allowed = _small(table.sizes, measured, weights, self.size * spent / rho)
            chosen = _worst(model, allowed, truth, now, rng)
            before = np.asarray(model.project(chosen).datavector(), float)
            measured += measure(table, [chosen], now.gaussian, rng)
            model = estimate(table.sizes, measured, self.iterations, model)
            after = np.asarray(model.project(chosen).datavector(), float)
            if np.abs(after - before).sum() <= now.sd * EXPECTED_ERROR * len(after):
                now = Round.of(4 * now.total)  # half of the noise
        return measured


def workload(n_columns: int, degree: int) -> dict[Columns, float]:
    """Return the weight of each marginal of 1 to ``degree`` columns: what it shares with the workload.

    The weight of r is the sum over all marginals w of ``degree`` columns of the number of columns
    that r and w share.
    """
    degree = min(degree, n_columns)
    per_column = math.comb(n_columns - 1, degree - 1)
    return {
        marginal: float(per_column * len(marginal))
        for size in range(1, degree + 1)
        for marginal in itertools.combinations(range(n_columns), size)
    }


def _small(
    sizes: tuple[int, ...],
    measured: list[Measurement],
    weights: Mapping[Columns, float],
    megabytes: float,
) -> dict[Columns, float]:
    """Return the marginals with which the model stays small, or which are parts of measured ones."""
    from mbi.junction_tree import hypothetical_model_size

    from privbench_marginals.estimating import domain_of

    domain, cliques = domain_of(sizes), sorted({m.columns for m in measured})
    return {
        marginal: weight
        for marginal, weight in weights.items()
        if any(set(marginal) <= set(clique) for clique in cliques)
        or hypothetical_model_size(domain, [*cliques, marginal]) <= megabytes
    }


def _worst(
    model: MarkovRandomField,
    weights: Mapping[Columns, float],
    truth: Mapping[Columns, np.ndarray],
    now: Round,
    rng: np.random.Generator,
) -> Columns:
    """Return the marginal that the model fits worst, beyond what noise explains (equation 3)."""
    marginals = list(weights)
    errors = []
    for marginal in marginals:
        estimated = np.asarray(model.project(marginal).datavector(), float)
        expected = EXPECTED_ERROR * now.sd * len(estimated)
        error = float(np.abs(truth[marginal] - estimated).sum())
        errors.append(weights[marginal] * (error - expected))
    epsilon = epsilon_of_selection(now.selection)
    place = select(np.array(errors), epsilon, rng, sensitivity=max(weights.values()))
    return marginals[place]
