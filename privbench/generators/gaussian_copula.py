"""The Gaussian copula: a classical baseline for synthetic data.

Patki, Wedge, Veeramachaneni 2016, "The Synthetic Data Vault", section III: every variable is put on a
normal scale by its own distribution function, and what is left of the data is one matrix of
correlations.

A variable is a numeric feature (a pixel, a number of a table), a binary feature, a categorical column
as a whole, or the label. Numbers go by their quantiles. The categories of a discrete variable divide
(0, 1) into intervals as long as they are frequent; a category's score is the middle of its interval,
and a score in the interval is the category.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.data import Data, DataSpec
from privbench.generators.base import FittedGenerator, Generator
from privbench.generators.quantiles import Quantiles
from privbench.generators.vae import numeric_features

Floats = NDArray[np.float64]

MOST = 2000
"""Variables: their correlations take 8 bytes a pair."""


@dataclass(frozen=True)
class Variables:
    """What the variables of such data are: numeric features, and blocks of one-hot features.

    A binary feature is a block (i, i + 1) of its own: two categories in one feature.
    """

    numeric: tuple[int, ...]
    blocks: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, spec: DataSpec) -> Variables:
        """The variables that fit such data, without the label."""
        every = range(int(np.prod(spec.shape)))
        if spec.kind == "image":
            return cls(tuple(every), ())
        if spec.kind == "binary":
            return cls((), tuple((i, i + 1) for i in every))
        blocks = tuple(c.features for c in spec.columns if c.type == "categorical")
        return cls(tuple(numeric_features(spec)), blocks)

    def __len__(self) -> int:
        return len(self.numeric) + len(self.blocks)

    def category(self, x: NDArray[np.float32], block: tuple[int, int]) -> NDArray[np.int64]:
        """The category (n,) of a block in records (n, features)."""
        first, end = block
        if end - first == 1:
            return (x[:, first] > 0.5).astype(np.int64)
        return np.asarray(x[:, first:end].argmax(1), dtype=np.int64)

    def write(
        self, x: NDArray[np.float32], block: tuple[int, int], category: NDArray[np.int64]
    ) -> None:
        """Put a block's categories (n,) into records (n, features)."""
        first, end = block
        if end - first == 1:
            x[:, first] = category
        else:
            x[:, first:end] = np.eye(end - first)[category]

    def sizes(self) -> list[int]:
        """How many categories each block has; a one-hot block of one column has one or, binary, two."""
        return [max(2, end - first) for first, end in self.blocks]


class FittedCopula(FittedGenerator):
    """Distributions of the variables, and the correlations of their normal scores, the label's last."""

    def __init__(
        self,
        spec: DataSpec,
        quantiles: Quantiles | None,
        edges: list[Floats],
        correlation: Floats,
    ) -> None:
        self._spec, self._variables = spec, Variables.of(spec)
        self._quantiles, self._edges, self._correlation = quantiles, edges, correlation

    def encode(self, data: Data) -> NDArray[np.float32]:
        """Normal scores (n, variables): numbers first, then the blocks."""
        return scores_of(self._variables, self._quantiles, self._edges, data)[:, :-1]

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Records (n, *shape): quantiles, and one category of each block."""
        from scipy.special import ndtr

        numeric = len(self._variables.numeric)
        x = np.zeros((len(codes), int(np.prod(self._spec.shape))), np.float32)
        if self._quantiles is not None:
            x[:, list(self._variables.numeric)] = self._quantiles.from_normal(codes[:, :numeric])
        for k, block in enumerate(self._variables.blocks):
            self._variables.write(x, block, _category(ndtr(codes[:, numeric + k]), self._edges[k]))
        return x.reshape(len(codes), *self._spec.shape)

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """``n`` new records: correlated normal scores, features and label together."""
        from scipy.special import ndtr

        factor = np.linalg.cholesky(self._correlation)
        scores = (rng.standard_normal((n, len(factor))) @ factor.T).astype(np.float32)
        y = _category(ndtr(scores[:, -1]), self._edges[-1])
        return Data(self.decode(scores[:, :-1]), y, self._spec)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The correlations, quantiles and edges as arrays."""
        found: dict[str, NDArray[np.generic]] = {"correlation": self._correlation}
        if self._quantiles is not None:
            found["quantiles"] = self._quantiles.values
        return found | {f"edges.{k}": edges for k, edges in enumerate(self._edges)}


class GaussianCopula(Generator):
    """Each variable by its own distribution, all together by the correlations of a normal."""

    name: ClassVar[str] = "gaussian-copula"
    paper: ClassVar[str] = "Patki, Wedge, Veeramachaneni 2016, doi 10.1109/DSAA.2016.49"

    shrinkage: float = Field(
        0.05,
        gt=0,
        le=1,
        description="how far correlations are moved to zero, which also makes their matrix regular",
    )

    def fit(self, data: Data, rng: np.random.Generator) -> FittedCopula:
        """Fit on one training set; nothing is random."""
        variables = Variables.of(data.spec)
        x = data.x.reshape(len(data), -1)
        quantiles = Quantiles.fit(x[:, list(variables.numeric)]) if variables.numeric else None
        edges = [
            _edges(variables.category(x, block), size)
            for block, size in zip(variables.blocks, variables.sizes(), strict=True)
        ]
        edges.append(_edges(data.y, data.spec.n_classes))
        scores = scores_of(variables, quantiles, edges, data).astype(np.float64)
        centred = scores - scores.mean(0)
        sd = centred.std(0)
        centred /= np.where(sd > 1e-9, sd, np.inf)  # what is constant correlates with nothing
        correlation = (1 - self.shrinkage) * centred.T @ centred / len(data)
        np.fill_diagonal(correlation, 1.0)
        return FittedCopula(data.spec, quantiles, edges, correlation)

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedCopula:
        """The inverse of ``FittedCopula.state``."""
        arrays = {name: np.asarray(array, dtype=np.float64) for name, array in state.items()}
        quantiles = None
        if "quantiles" in state:
            quantiles = Quantiles(arrays["quantiles"].astype(np.float32))
        edges = [arrays[f"edges.{k}"] for k in range(len(Variables.of(spec).blocks) + 1)]
        return FittedCopula(spec, quantiles, edges, arrays["correlation"])

    def skip(self, spec: DataSpec) -> str:
        """Correlations of all pairs must fit into memory, once a model."""
        n = len(Variables.of(spec))
        return "" if n <= MOST else f"{n} variables have too many correlations (at most {MOST})"


def scores_of(
    variables: Variables, quantiles: Quantiles | None, edges: list[Floats], data: Data
) -> NDArray[np.float32]:
    """Normal scores (n, variables + 1), the label's last."""
    x = data.x.reshape(len(data), -1)
    columns: list[NDArray[np.floating]] = []
    if quantiles is not None:
        columns.append(quantiles.to_normal(x[:, list(variables.numeric)]))
    for block, own in zip(variables.blocks, edges[:-1], strict=True):
        columns.append(_middles(own)[variables.category(x, block)][:, None])
    columns.append(_middles(edges[-1])[data.y][:, None])
    return np.hstack(columns).astype(np.float32)


def _edges(category: NDArray[np.int64], size: int) -> Floats:
    """The ends (size + 1,) of the intervals in which (0, 1) belongs to each category.

    A category without records has the interval of half a record, so that scores stay finite.
    """
    counts = np.maximum(np.bincount(category, minlength=size).astype(np.float64), 0.5)
    return np.concatenate([[0.0], np.cumsum(counts / counts.sum())])


def _middles(edges: Floats) -> Floats:
    from scipy.special import ndtri

    middles: Floats = ndtri((edges[:-1] + edges[1:]) / 2)
    return middles


def _category(probability: NDArray[np.floating], edges: Floats) -> NDArray[np.int64]:
    """In whose interval a probability (n,) lies."""
    return np.clip(np.searchsorted(edges[1:-1], probability, side="right"), 0, len(edges) - 2)
