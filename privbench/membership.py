"""The split of a dataset, canaries, and membership (docs/protocol.md, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from privbench.canaries import CanaryKind
from privbench.canaries.plant import plant_canaries
from privbench.data import Data, read_only
from privbench.scaling import scaled_by_reference
from privbench.seeds import generator

Subset = Literal["records", "canaries"]
"""Which pool records a row of results is about.

- ``records``: the ordinary records of the population without canaries;
- ``canaries``: the canaries of the second population.
"""


@dataclass(frozen=True)
class Setting:
    """The records and the membership of one population."""

    pool: Data
    """Records whose membership is attacked."""
    reference: Data
    """Records of the same distribution that the adversary owns."""
    test: Data
    """Records that measure utility."""
    member: NDArray[np.bool_]
    """Membership (n_models, n_pool): whether a model is trained on a pool record."""
    kind: NDArray[np.str_]
    """The kind of canary that each pool record (n_pool,) is; empty for ordinary records."""
    always: NDArray[np.bool_]
    """Whether every model is trained on a pool record (n_pool,). Such a record is not attacked."""
    n_public: int | None = None
    """How many reference records defenses may use; None for all of them."""

    def __post_init__(self) -> None:
        """Make all arrays read-only, since every stage of the population shares them."""
        for name in ("pool", "reference", "test"):
            object.__setattr__(self, name, getattr(self, name).read_only())
        for name in ("member", "kind", "always"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @cached_property
    def public(self) -> Data:
        """The reference records that defenses may use: the first ones, which are in random order."""
        if self.n_public in (None, len(self.reference)):
            return self.reference
        return self.reference.first(self.n_public).read_only()

    @property
    def canary(self) -> NDArray[np.bool_]:
        """Whether each pool record (n_pool,) is a canary."""
        canary: NDArray[np.bool_] = self.kind != ""
        return canary

    @cached_property
    def repeated(self) -> dict[str, int]:
        """How many pool records have a copy in the pool, the reference and the test records."""
        parts = {"pool": self.pool, "reference": self.reference, "test": self.test}
        whole = Data(
            np.concatenate([part.x for part in parts.values()]),
            np.concatenate([part.y for part in parts.values()]),
            self.pool.spec,
        )
        first = whole.first_copies()
        of_pool, times = np.unique(first[: len(self.pool)], return_counts=True)
        found, end = {"pool": int(times[times > 1].sum())}, len(self.pool)
        for name in ("reference", "test"):
            begin, end = end, end + len(parts[name])
            found[name] = int(times[np.isin(of_pool, first[begin:end])].sum())
        return found

    def attacked(self, subset: Subset, kind: CanaryKind | None = None) -> NDArray[np.bool_]:
        """Return which pool records (n_pool,) are ordinary records, or canaries of a kind or all."""
        if subset == "records":
            return ~self.canary & ~self.always
        return self.canary if kind is None else self.kind == kind

    def train_indices(self) -> NDArray[np.int64]:
        """Return the pool indices (n_models, n_pool // 2) of members, in ascending order per model."""
        return np.nonzero(self.member)[1].reshape(len(self.member), -1)

    def train_set(self, model: int) -> Data:
        """Return the private training set of one model."""
        return self.pool.take(np.flatnonzero(self.member[model]))


def pool_size(n_records: int, pool: int | None) -> int:
    """Return the number of pool records: ``pool``, or by default 60% of the records.

    >>> pool_size(1797, None)
    1078
    """
    return n_records * 6 // 10 if pool is None else pool


def reference_size(n_records: int, n_pool: int) -> int:
    """Return the number of reference records: half of the records outside the pool."""
    return (n_records - n_pool) // 2


def split(data: Data, n_pool: int, names: Any) -> tuple[Data, Data, Data]:
    """Split a dataset at random into pool, reference and test records.

    The records outside the pool are divided equally. ``names`` determine the random draw.
    """
    order = generator("split", names).permutation(len(data))
    middle = n_pool + reference_size(len(data), n_pool)
    return data.take(order[:n_pool]), data.take(order[n_pool:middle]), data.take(order[middle:])


def draw_membership(
    n_models: int,
    canary: NDArray[np.bool_],
    names: Any,
    always: NDArray[np.bool_] | None = None,
    n_members: int | None = None,
) -> NDArray[np.bool_]:
    """Draw membership (n_models, n_pool) with exactly ``n_members`` per row, by default n_pool // 2.

    The records of ``always`` are members of every row. Each canary is a member with probability 1/2,
    independently. Ordinary records are then drawn uniformly until the row is full.

    Rows are independent. If columns were balanced (each record in half of the models), the membership of
    the shadows would determine that of the target. Row i does not depend on ``n_models``.
    """
    if n_members is None:
        n_members = len(canary) // 2
    member = np.zeros((n_models, len(canary)), dtype=bool)
    if always is None:
        always = np.zeros_like(canary)
    canaries, ordinary = np.flatnonzero(canary), np.flatnonzero(~canary & ~always)
    for model, row in enumerate(member):
        rng = generator("membership", names, model)
        chosen = canaries[rng.random(len(canaries)) < 0.5]
        row[chosen] = row[always] = True
        row[rng.choice(ordinary, size=n_members - row.sum(), replace=False)] = True
    return member


def clean_setting(
    data: Data, n_models: int, n_pool: int, names: Any, n_public: int | None = None
) -> Setting:
    """Draw the setting without canaries; ``names`` determine the random draws.

    Numeric columns are scaled by all reference records.

    Defenses may use ``n_public`` reference records, by default all of them.
    """
    parts = split(data, n_pool, names)
    pool, reference, test = scaled_by_reference(parts, reference=parts[1])
    none = np.zeros(n_pool, dtype=bool)
    member = draw_membership(n_models, none, names)
    kind = np.full(n_pool, "")
    return Setting(pool, reference, test, member, kind, always=none, n_public=n_public)


def canary_setting(
    clean: Setting, share: float, names: Any, kinds: Sequence[CanaryKind] = ("mislabel",)
) -> Setting:
    """Draw the setting with canaries: the same pool records, and another membership."""
    planted = plant_canaries(clean.pool, share, names, kinds)
    member = draw_membership(len(clean.member), planted.kind != "", names, planted.always)
    return replace(
        clean, pool=planted.pool, member=member, kind=planted.kind, always=planted.always
    )
