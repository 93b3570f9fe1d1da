"""A graphical model as conditional tables, from which records are drawn column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench_marginals.table import Ints

if TYPE_CHECKING:
    from mbi import Model

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Conditional:
    """The distribution of a column given its parents.

    Attributes:
        column: the column.
        parents: columns that are drawn before it.
        table: float64 (*sizes of parents, size of column), probabilities over the last axis.
    """

    column: int
    parents: tuple[int, ...]
    table: Floats


@dataclass(frozen=True)
class Network:
    """Conditionals in the order in which columns are drawn."""

    conditionals: tuple[Conditional, ...]

    @classmethod
    def of(cls, model: Model, cliques: Sequence[tuple[int, ...]]) -> Network:
        """Return the conditionals of a model with these cliques.

        In the reversed order of elimination, the neighbours of a column that are drawn before it lie
        with it in a clique of the junction tree (Koller, Friedman 2009, section 9.3).
        """
        from mbi.junction_tree import make_junction_tree

        tree, order = make_junction_tree(model.domain, cliques)
        drawn: set[int] = set()
        conditionals = []
        for column in map(int, reversed(order)):
            near = {int(other) for clique in tree.nodes if column in clique for other in clique}
            parents = tuple(sorted(near & drawn))
            joint = np.asarray(model.project((*parents, column)).datavector(flatten=False), float)
            conditionals.append(Conditional(column, parents, _normalized(joint)))
            drawn.add(column)
        return cls(tuple(conditionals))

    def sample(self, n: int, rng: np.random.Generator) -> Ints:
        """Draw records (n, columns)."""
        records = np.zeros((n, len(self.conditionals)), dtype=np.int64)
        for conditional in self.conditionals:
            parents = tuple(records[:, parent] for parent in conditional.parents)
            probabilities = np.broadcast_to(
                conditional.table[parents], (n, conditional.table.shape[-1])
            )
            below = rng.random((n, 1)) > probabilities.cumsum(axis=1)
            drawn = below.sum(axis=1)
            records[:, conditional.column] = np.minimum(drawn, probabilities.shape[1] - 1)
        return records

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the conditionals as arrays."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for place, conditional in enumerate(self.conditionals):
            columns = (*conditional.parents, conditional.column)
            arrays[f"columns.{place}"] = np.array(columns, dtype=np.int64)
            arrays[f"table.{place}"] = conditional.table
        return arrays

    @classmethod
    def restore(cls, state: Mapping[str, NDArray[np.generic]]) -> Network:
        """Rebuild a network from its state."""
        conditionals: list[Conditional] = []
        while (name := f"columns.{len(conditionals)}") in state:
            *parents, column = (int(c) for c in np.asarray(state[name], dtype=np.int64))
            table = np.asarray(state[f"table.{len(conditionals)}"], dtype=np.float64)
            conditionals.append(Conditional(column, tuple(parents), table))
        return cls(tuple(conditionals))


def _normalized(joint: Floats) -> Floats:
    """Return probabilities over the last axis; uniform ones where there is no mass."""
    joint = np.maximum(joint, 0)
    total = joint.sum(axis=-1, keepdims=True)
    uniform = np.full_like(joint, 1 / joint.shape[-1])
    return np.where(total > 0, joint / np.where(total > 0, total, 1), uniform)
