"""Who is trained on what: the split of a dataset, canaries, and membership (protocol.md, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from privbench.data import Data
from privbench.seeds import generator

Subset = Literal["records", "canaries"]
"""What a row of results speaks of: ordinary records of the clean population, or the canaries of the
second one."""


@dataclass(frozen=True)
class Setting:
    """The records and the membership of one population.

    ``member`` bool (n_models, n_pool): which model is trained on which pool record. ``canary`` bool
    (n_pool,): which pool records are canaries.
    """

    pool: Data
    reference: Data
    test: Data
    member: NDArray[np.bool_]
    canary: NDArray[np.bool_]

    def train_index(self) -> NDArray[np.int64]:
        """Pool indices (n_models, n_pool // 2) that each model is trained on, in ascending order."""
        return np.nonzero(self.member)[1].reshape(len(self.member), -1)

    def train_set(self, model: int) -> Data:
        """The private training set of one model."""
        return self.pool.take(np.flatnonzero(self.member[model]))


def pool_size(n_records: int, pool: int | None) -> int:
    """Number of pool records: as asked for, or 60% of the data set."""
    return n_records * 6 // 10 if pool is None else pool


def split(data: Data, n_pool: int, names: Any) -> tuple[Data, Data, Data]:
    """Pool, reference and test: disjoint and random; the rest beside the pool is cut in half."""
    order = generator("split", names).permutation(len(data))
    middle = n_pool + (len(data) - n_pool) // 2
    return data.take(order[:n_pool]), data.take(order[n_pool:middle]), data.take(order[middle:])


def draw_membership(n_models: int, canary: NDArray[np.bool_], names: Any) -> NDArray[np.bool_]:
    """Membership (n_models, n_pool); each row has exactly n_pool // 2 members.

    Every canary by an independent fair coin, then ordinary records uniformly until the half is full.
    Rows are independent of each other: with the usual balanced columns (each record in half of the
    models) the shadows' membership would give the target's away. Row i does not depend on n_models.
    """
    half = len(canary) // 2
    member = np.zeros((n_models, len(canary)), dtype=bool)
    canaries, ordinary = np.flatnonzero(canary), np.flatnonzero(~canary)
    for model, row in enumerate(member):
        rng = generator("membership", names, model)
        chosen = canaries[rng.random(len(canaries)) < 0.5]
        row[chosen] = True
        row[rng.choice(ordinary, size=half - len(chosen), replace=False)] = True
    return member


def plant_canaries(pool: Data, share: float, names: Any) -> tuple[Data, NDArray[np.bool_]]:
    """Give a random share of the pool a wrong label, uniform among the others."""
    rng = generator("canaries", names)
    chosen = rng.choice(len(pool), size=round(share * len(pool)), replace=False)
    canary = np.zeros(len(pool), dtype=bool)
    canary[chosen] = True
    y = pool.y.copy()
    y[chosen] = (
        y[chosen] + rng.integers(1, pool.spec.n_classes, len(chosen))
    ) % pool.spec.n_classes
    return Data(pool.x, y, pool.spec), canary


def clean_setting(data: Data, n_models: int, n_pool: int, names: Any) -> Setting:
    """The setting without canaries."""
    pool, reference, test = split(data, n_pool, names)
    canary = np.zeros(n_pool, dtype=bool)
    return Setting(pool, reference, test, draw_membership(n_models, canary, names), canary)


def canary_setting(clean: Setting, share: float, names: Sequence[Any]) -> Setting:
    """The same pool with canaries planted, and another membership."""
    pool, canary = plant_canaries(clean.pool, share, names)
    member = draw_membership(len(clean.member), canary, names)
    return Setting(pool, clean.reference, clean.test, member, canary)
