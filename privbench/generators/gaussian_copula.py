"""The Gaussian copula, a classical baseline for synthetic data.

Patki, Wedge, Veeramachaneni 2016, "The Synthetic Data Vault", section III: the distribution function of
each variable maps it to a normal score, and a correlation matrix describes the scores jointly.

A variable is a numeric feature, a pixel, a binary feature, a categorical column, or the label.

- Numeric features and pixels are mapped by their quantiles.
- The categories of a discrete variable divide (0, 1) into intervals whose lengths are their
  frequencies. A category is mapped to the middle of its interval, and every score of the interval is
  mapped back to the category.
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

Floats = NDArray[np.float64]

MAX_VARIABLES = 2000
"""The largest number of variables: their correlation matrix takes 32 MB per model."""


@dataclass(frozen=True)
class Variables:
    """The variables of a dataset, without the label.

    ``numeric`` are features with a scale. ``blocks`` are half-open ranges of features that encode a
    discrete variable: the one-hot features of a categorical column, or a single binary feature.
    """

    numeric: tuple[int, ...]
    blocks: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, spec: DataSpec) -> Variables:
        """Return the variables of a dataset."""
        features = range(spec.n_features)
        if spec.kind == "image":
            return cls(tuple(features), ())
        if spec.kind == "binary":
            return cls((), tuple((i, i + 1) for i in features))
        return cls(spec.numeric_features, spec.categorical_blocks)

    def __len__(self) -> int:
        return len(self.numeric) + len(self.blocks)

    def read(self, x: NDArray[np.float32], block: tuple[int, int]) -> NDArray[np.int64]:
        """Return the categories (n,) that a block encodes in records (n, features)."""
        first, end = block
        if end - first == 1:
            return (x[:, first] > 0.5).astype(np.int64)
        return np.asarray(x[:, first:end].argmax(1), dtype=np.int64)

    def write(
        self, x: NDArray[np.float32], block: tuple[int, int], category: NDArray[np.int64]
    ) -> None:
        """Encode categories (n,) in a block of records (n, features), in place."""
        first, end = block
        if end - first == 1:
            x[:, first] = category
        else:
            x[:, first:end] = np.eye(end - first)[category]

    def sizes(self) -> list[int]:
        """Return the number of categories of each block; two for a single feature, 0 and 1."""
        return [max(2, end - first) for first, end in self.blocks]


class FittedCopula(FittedGenerator):
    """The distribution of each variable, and the correlation matrix of all normal scores.

    ``edges`` holds one array of interval ends per block, then that of the label; the label is also
    the last row and column of ``correlation``.
    """

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
        """Return the normal scores (n, variables) of records: numeric variables first, then blocks."""
        return normal_scores(self._variables, self._quantiles, self._edges, data)[:, :-1]

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the records (n, *shape) of normal scores, with one category per block."""
        from scipy.special import ndtr

        n_numeric = len(self._variables.numeric)
        x = np.zeros((len(codes), self._spec.n_features), np.float32)
        if self._quantiles is not None:
            x[:, self._variables.numeric] = self._quantiles.from_normal(codes[:, :n_numeric])
        for k, block in enumerate(self._variables.blocks):
            probability = ndtr(codes[:, n_numeric + k])
            self._variables.write(x, block, _category(probability, self._edges[k]))
        return x.reshape(len(codes), *self._spec.shape)

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Draw correlated normal scores of all variables and the label, and decode them."""
        from scipy.special import ndtr

        factor = np.linalg.cholesky(self._correlation)
        scores = (rng.standard_normal((n, len(factor))) @ factor.T).astype(np.float32)
        y = _category(ndtr(scores[:, -1]), self._edges[-1])
        return Data(self.decode(scores[:, :-1]), y, self._spec)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the correlation matrix, the quantiles and the interval ends as arrays."""
        arrays: dict[str, NDArray[np.generic]] = {"correlation": self._correlation}
        if self._quantiles is not None:
            arrays["quantiles"] = self._quantiles.values
        return arrays | {f"edges.{k}": edges for k, edges in enumerate(self._edges)}


class GaussianCopula(Generator):
    """Gaussian copula of all features and the label."""

    name: ClassVar[str] = "gaussian-copula"
    paper: ClassVar[str] = "Patki, Wedge, Veeramachaneni 2016, doi 10.1109/DSAA.2016.49"

    shrinkage: float = Field(
        0.05,
        gt=0,
        le=1,
        description="how far correlations shrink towards zero, which makes their matrix regular",
    )

    def fit(self, data: Data, rng: np.random.Generator) -> FittedCopula:
        """Fit on one training set, without randomness."""
        variables = Variables.of(data.spec)
        x = data.x.reshape(len(data), -1)
        quantiles = Quantiles.fit(x[:, variables.numeric]) if variables.numeric else None
        edges = [
            _edges(variables.read(x, block), size)
            for block, size in zip(variables.blocks, variables.sizes(), strict=True)
        ]
        edges.append(_edges(data.y, data.spec.n_classes))
        scores = normal_scores(variables, quantiles, edges, data).astype(np.float64)
        centred = scores - scores.mean(0)
        sd = centred.std(0)
        centred /= np.where(sd > 1e-9, sd, np.inf)  # a constant variable correlates with none
        correlation = (1 - self.shrinkage) * centred.T @ centred / len(data)
        np.fill_diagonal(correlation, 1.0)
        return FittedCopula(data.spec, quantiles, edges, correlation)

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedCopula:
        """Rebuild a fitted copula from its state."""
        arrays = {name: np.asarray(array, dtype=np.float64) for name, array in state.items()}
        quantiles = None
        if "quantiles" in state:
            quantiles = Quantiles(arrays["quantiles"].astype(np.float32))
        edges = [arrays[f"edges.{k}"] for k in range(len(Variables.of(spec).blocks) + 1)]
        return FittedCopula(spec, quantiles, edges, arrays["correlation"])

    def skip(self, spec: DataSpec) -> str:
        """Return why the correlation matrix would be too large; empty if it would not."""
        n = len(Variables.of(spec))
        if n <= MAX_VARIABLES:
            return ""
        return f"{self.name} takes at most {MAX_VARIABLES} variables, and these records have {n}"


def normal_scores(
    variables: Variables, quantiles: Quantiles | None, edges: list[Floats], data: Data
) -> NDArray[np.float32]:
    """Return the normal scores (n, variables + 1) of records, with those of the label last."""
    x = data.x.reshape(len(data), -1)
    columns: list[NDArray[np.floating]] = []
    if quantiles is not None:
        columns.append(quantiles.to_normal(x[:, variables.numeric]))
    for block, block_edges in zip(variables.blocks, edges[:-1], strict=True):
        columns.append(_middle_scores(block_edges)[variables.read(x, block)][:, None])
    columns.append(_middle_scores(edges[-1])[data.y][:, None])
    return np.hstack(columns).astype(np.float32)


def _edges(category: NDArray[np.int64], size: int) -> Floats:
    """Return the ends (size + 1,) of the intervals of the categories in (0, 1).

    A category without records gets the interval of half a record, so that scores stay finite.
    """
    counts = np.maximum(np.bincount(category, minlength=size).astype(np.float64), 0.5)
    return np.concatenate([[0.0], np.cumsum(counts / counts.sum())])


def _middle_scores(edges: Floats) -> Floats:
    """Return the normal scores (categories,) of the middles of the intervals."""
    from scipy.special import ndtri

    scores: Floats = ndtri((edges[:-1] + edges[1:]) / 2)
    return scores


def _category(probability: NDArray[np.floating], edges: Floats) -> NDArray[np.int64]:
    """Return the categories (n,) whose intervals contain the probabilities (n,)."""
    return np.clip(np.searchsorted(edges[1:-1], probability, side="right"), 0, len(edges) - 2)
