"""What an attack is measured on: records of a pool, or groups of records that are members together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.groups import Groups

if TYPE_CHECKING:
    from privbench.canaries import CanaryKind
    from privbench.membership import Setting, Subset

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Units:
    """The units of one row of results: its records, or its groups of records.

    Attributes:
        groups: the groups of all pool records; None if each record is a unit.
        chosen: bool (units of the pool,), those of the row.
        member: bool (models, units), which units each model was trained on.
        labels: int64 (units,); None if records of a group have different labels.
        sizes: int64 (units,), the number of records of each.
    """

    groups: Groups | None
    chosen: Bools
    member: Bools
    labels: Ints | None
    sizes: Ints

    @classmethod
    def of(cls, setting: Setting, subset: Subset, kind: CanaryKind | None = None) -> Units:
        """Return the units of a row about records, or about canaries of a kind or all."""
        in_subset, groups = setting.attacked(subset, kind), setting.groups
        labels = setting.pool.y
        if groups is None:
            ones = np.ones(int(in_subset.sum()), dtype=np.int64)
            return cls(None, in_subset, setting.member[:, in_subset], labels[in_subset], ones)
        chosen = in_subset[groups.first]
        of_group = labels[groups.first]
        alike = (labels == of_group[groups.codes])[in_subset].all()
        member = groups.member(setting.member)[:, chosen]
        return cls(
            groups, chosen, member, of_group[chosen] if alike else None, groups.sizes[chosen]
        )

    def scores(self, scores: NDArray[np.floating], *, add: bool) -> Floats:
        """Return the scores (models, units), given those of all pool records (models, n_pool).

        Args:
            scores: larger = member.
            add: whether scores of independent records add up (`Attack.adds_up`); else the score of a
                group is the mean over its records.
        """
        of_units: Floats = scores.astype(float)
        if self.groups is not None:
            of_units = self.groups.scores(of_units, add=add)
        return of_units[:, self.chosen]

    def of_size(self, size: int) -> Units:
        """Return the units that have so many records."""
        has = self.sizes == size
        chosen = self.chosen.copy()
        chosen[chosen] = has
        labels = None if self.labels is None else self.labels[has]
        return Units(self.groups, chosen, self.member[:, has], labels, self.sizes[has])

    @property
    def audited_size(self) -> int:
        """The size of the units whose coins an audit counts: the one that most units have.

        A coin replaces one group by another of the same size, so that the size of training sets stays;
        and what a guarantee says about a group depends on its size.
        """
        sizes, counts = np.unique(self.sizes, return_counts=True)
        return int(sizes[counts.argmax()])
