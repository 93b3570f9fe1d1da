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
from privbench.grouped import draw_grouped_membership, split_groups
from privbench.metrics.groups import Groups
from privbench.scaling import scaled_by_reference
from privbench.seeds import generator

Indices = NDArray[np.int64]
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
    groups: Groups | None = None
    """Groups of pool records that are members together; None if each is one by itself."""

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
        """How many pool records have a copy in the pool, the reference and the test records.

        In the pool, copies of the same group do not count.
        """
        parts = {"pool": self.pool, "reference": self.reference, "test": self.test}
        whole = Data(
            np.concatenate([part.x for part in parts.values()]),
            np.concatenate([part.y for part in parts.values()]),
            self.pool.spec,
        )
        first = whole.first_copies()
        in_pool, end = first[: len(self.pool)], len(self.pool)
        group = np.arange(end) if self.groups is None else self.groups.codes
        n_groups = np.bincount(np.unique(np.stack([in_pool, group]), axis=1)[0])
        found = {"pool": int((n_groups[in_pool] > 1).sum())}
        for name in ("reference", "test"):
            begin, end = end, end + len(parts[name])
            found[name] = int(np.isin(in_pool, first[begin:end]).sum())
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

    The records outside the pool are divided equally. Groups of records are in one part each, so that the
    parts may be a little smaller. ``names`` determine the random draw.
    """
    pool, reference, test = (data.take(part) for part in split_indices(data, n_pool, names))
    return pool, reference, test


def split_indices(data: Data, n_pool: int, names: Any) -> tuple[Indices, Indices, Indices]:
    """Return the indices of pool, reference and test records; see `split`."""
    rng, n_reference = generator("split", names), reference_size(len(data), n_pool)
    if data.groups is not None:
        return split_groups(Groups.of(data.groups), n_pool, n_reference, rng)
    order, middle = rng.permutation(len(data)), n_pool + n_reference
    return order[:n_pool], order[n_pool:middle], order[middle:]


def reference_of_groups(data: Data, n_pool: int, n_public: int, names: Any) -> tuple[int, int]:
    """Return how many reference records there are, and of these public ones, in whole groups."""
    _, rows, _ = split_indices(data, n_pool, names)
    return len(rows), whole_groups(data.take(rows), min(n_public, len(rows)))


def whole_groups(reference: Data, n_public: int) -> int:
    """Return how many of the first ``n_public`` reference records are of groups that are all there."""
    groups = reference.groups
    if groups is None or n_public >= len(reference):
        return n_public
    while n_public and groups[n_public - 1] == groups[n_public]:  # a group's records are neighbours
        n_public -= 1
    return n_public


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
    none = np.zeros(len(parts[0]), dtype=bool)
    kind = np.full(len(none), "")
    if data.groups is None:
        groups, member = None, draw_membership(n_models, none, names)
    else:
        groups = _groups_of(parts[0], parts[0].groups)
        member = draw_grouped_membership(n_models, groups, none, none, names)
        n_public = None if n_public is None else whole_groups(parts[1], n_public)
    pool, reference, test = (
        replace(part, groups=None) for part in scaled_by_reference(parts, reference=parts[1])
    )
    return Setting(
        pool, reference, test, member, kind, always=none, n_public=n_public, groups=groups
    )


def canary_setting(
    clean: Setting, share: float, names: Any, kinds: Sequence[CanaryKind] = ("mislabel",)
) -> Setting:
    """Draw the setting with canaries: the same pool records, and another membership.

    A canary leaves its group and is one of its own. A group of which a twin is a copy is always in.
    """
    planted = plant_canaries(clean.pool, share, names, kinds)
    canary, always, groups = planted.kind != "", planted.always, clean.groups
    if groups is None:
        member = draw_membership(len(clean.member), canary, names, always)
    else:
        codes = np.where(canary, len(groups) + np.arange(len(canary)), groups.codes)
        always = np.isin(codes, codes[always])
        groups = _groups_of(planted.pool, codes)
        member = draw_grouped_membership(len(clean.member), groups, canary, always, names)
    return replace(
        clean, pool=planted.pool, member=member, kind=planted.kind, always=always, groups=groups
    )


def _groups_of(pool: Data, codes: NDArray[np.int64] | None) -> Groups:
    """Return groups of pool records, in which copies of a record count once."""
    assert codes is not None
    return Groups.of(codes, equal=pool.first_copies())
