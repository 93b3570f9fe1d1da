"""Groups of records whose membership is one question, such as all records of a person.

The score of a group is the sum of the scores of its records where scores of independent records add up
(log-likelihood ratios), and their mean otherwise, so that a score that is no ratio, such as minus the
loss, does not become a count of records. Copies of a record are no further evidence: their scores are
averaged before they are added to others. Kandpal et al. 2023 (arXiv 2310.09266) average log ratios over
the texts of a user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.pairs import Bools, Floats, Ints
from privbench.wording import shortened

N_NAMED = 5
"""Number of groups that a message names."""


@dataclass(frozen=True)
class Groups:
    """The group of each record; groups are numbered in the order in which they first occur.

    Attributes:
        codes: int64 (records,), the group of each record.
        names: the name of each group.
        first: int64 (groups,), the first record of each group.
        weight: float64 (records,), one over the number of equal records in its group, so that copies,
            which say the same, count once; None if each counts.
    """

    codes: Ints
    names: Sequence[str]
    first: Ints
    weight: Floats | None = None

    @classmethod
    def of(cls, values: NDArray[Any], equal: Ints | None = None) -> Groups:
        """Return the groups of records (records,) with equal values, numbers or texts.

        Args:
            values: what is equal for records of a group.
            equal: int64 (records,), from 0, the same for copies of a record.
        """
        distinct, first, codes = np.unique(values, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        names = [str(value) for value in distinct[order].tolist()]
        groups = cls(place[codes.reshape(-1)], names, first[order])
        if equal is None:
            return groups
        both = groups.codes * (int(equal.max()) + 1) + equal
        _, index, counts = np.unique(both, return_inverse=True, return_counts=True)
        return replace(groups, weight=1 / counts[index.reshape(-1)])

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> Ints:
        """The number of records of each group (groups,)."""
        return np.bincount(self.codes)

    def mixed(self, values: NDArray[Any]) -> list[str]:
        """Return the names of groups whose records differ in a row of values (rows, records).

        Of membership (models, records), these have members and non-members of the same model.
        """
        differs = (values != values[:, self.first][:, self.codes]).any(axis=0)
        return [self.names[code] for code in np.unique(self.codes[differs])]

    def member(self, member: Bools) -> Bools:
        """Return the membership (models, groups) of groups, given that of records."""
        return member[:, self.first]

    def expanded(self, member: Bools) -> Bools:
        """Return the membership (models, records) of records, given that of their groups."""
        return member[:, self.codes]

    def scores(self, scores: Floats, *, add: bool) -> Floats:
        """Return the scores (models, groups) of groups, given those of records.

        Args:
            scores: float64 (models, records).
            add: whether to take the sum over a group's records, and not the mean.
        """
        order = np.argsort(self.codes, kind="stable")
        starts = np.cumsum(self.sizes) - self.sizes
        if self.weight is not None:
            scores = scores * self.weight
        totals: Floats = np.add.reduceat(scores[:, order], starts, axis=1)
        return totals if add else totals / np.bincount(self.codes, self.weight)


def named(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    return shortened(list(map(repr, names)), N_NAMED)
