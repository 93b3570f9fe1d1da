"""What MST and AIM have in common: parameters, the guarantee, and records drawn from a network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench import Data, DataSpec, FittedSampler, Guarantee, GuaranteeContext, SamplingGenerator
from privbench_marginals.accounting import Budget, budget_of, guarantee_of
from privbench_marginals.measuring import Measurement
from privbench_marginals.merging import Merging
from privbench_marginals.network import Network
from privbench_marginals.table import Coding, Ints, Table

MAX_COLUMNS = 64
"""The largest number of columns. Each is compiled into the computation of the graphical model."""


@dataclass(frozen=True)
class Measured:
    """All that is read of the private records: noisy marginals, and which categories are merged."""

    measurements: list[Measurement]
    merging: Merging


class FittedMarginals(FittedSampler):
    """A network of conditional tables."""

    def __init__(self, coding: Coding, merging: Merging, network: Network) -> None:
        self.coding, self.merging, self.network = coding, merging, network

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Draw records."""
        return self.coding.to_data(self.draw(n, rng), rng)

    def draw(self, n: int, rng: np.random.Generator) -> Ints:
        """Draw records (n, columns) as categories."""
        return self.merging.split(self.network.sample(n, rng), rng)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the tables, and which categories are merged, as arrays."""
        return self.network.state() | self.merging.state()


class MarginalGenerator(SamplingGenerator):
    """A differentially private generator that measures marginals and fits a graphical model to them."""

    epsilon: float = Field(1.0, gt=0, description="epsilon, for adding or removing a record")
    delta: float = Field(1e-5, gt=0, lt=1, description="delta, for adding or removing a record")
    bins: int = Field(16, ge=2, le=256, description="bins of each numeric column")
    span: float = Field(
        3.0,
        gt=0,
        description="numeric columns are binned from -span to span, in standard deviations of the"
        " public reference records",
    )
    iterations: int = Field(
        1000, ge=50, description="iterations of mirror descent, at most, for each graphical model"
    )

    @abstractmethod
    def budget(self, n_columns: int) -> Budget:
        """Return what it spends on a table."""

    @abstractmethod
    def measure(self, table: Table, rng: np.random.Generator) -> Measured:
        """Read the private records: all that follows is post-processing."""

    @abstractmethod
    def estimate(self, measured: Measured, sizes: tuple[int, ...]) -> Network:
        """Return the network that fits the measurements."""

    def code_used(self) -> tuple[str, ...]:
        """Return the package that fits graphical models."""
        return ("mbi",)

    def spendable(self, selection: float) -> Budget:
        """Return the budget of epsilon and delta, given the share of rho for selections."""
        return budget_of(self.epsilon, self.delta, selection)

    def coding(self, spec: DataSpec) -> Coding:
        """Return how records are tables."""
        return Coding(spec, self.bins, self.span)

    def fit(self, data: Data, rng: np.random.Generator) -> FittedMarginals:
        """Measure the training set with noise, and fit a graphical model to the measurements."""
        coding = self.coding(data.spec)
        measured = self.measure(coding.to_table(data), rng)
        network = self.estimate(measured, coding.sizes)
        return FittedMarginals(coding, measured.merging, network)

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedMarginals:
        """Rebuild a fitted generator from its tables."""
        coding = self.coding(spec)
        return FittedMarginals(coding, Merging.restore(state, coding.sizes), Network.restore(state))

    def skip(self, spec: DataSpec) -> str:
        """Return why records are no table that it can model; empty if they are."""
        if spec.kind == "image":
            return f"{self.name} is for tables, and these records are images"
        n_columns = len(self.coding(spec).sizes)
        if n_columns > MAX_COLUMNS:
            return f"{self.name} takes at most {MAX_COLUMNS} columns, and these records have {n_columns}"
        return ""

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """Return the guarantee of the fit; None if it reads no private record."""
        if self.fitted_on == "reference":
            return None
        n_columns = len(self.coding(context.spec).sizes)
        return guarantee_of(self.budget(n_columns), self.epsilon, self.delta)
