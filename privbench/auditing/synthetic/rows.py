"""Which rows are attacked, and which serve as reference records; the order of rows plays no part.

1. Without a table of its own, a random half of the holdout is the reference, and never attacked.
2. Rows of train that are in the rest of the holdout are dropped, and the other way round: nobody could
   tell them apart. So are rows of both that are in the reference.
3. A row of the smaller table is compared with more rows by 2, and dropped more often if its values are
   common; what is left would be rarer there, without any leak. So if 2 drops many, rows of the larger
   table are also compared with as many other rows of that table itself, drawn at random.
4. The remaining rows of train are members, those of the holdout non-members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.errors import DataError
from privbench.metrics.pairs import Bools, Ints
from privbench.seeds import generator

if TYPE_CHECKING:
    import pandas as pd

Hashes = NDArray[np.uint64]

MIN_ROWS = 20
"""Smallest number of members, and of non-members, that an audit takes."""
MANY_DROPPED = 0.01
"""Share of dropped rows from which on what is left is kept equally rare on both sides."""
N_BLOCKS = 50
"""Groups of records that are resampled for intervals."""


@dataclass(frozen=True)
class Counts:
    """What happened to the rows."""

    train: int
    """Rows of the table."""
    holdout: int
    synthetic: int
    reference: int
    """Rows that serve as reference."""
    reference_is: str
    """Where they come from."""
    in_both: int
    """Attacked rows that were dropped: they are on both sides, or in the reference."""
    thinned: int
    """Rows of the larger table that were dropped so that common rows lack on both sides alike."""
    repeated_in_train: int
    """Rows that are equal to an earlier one."""
    repeated_in_holdout: int
    synthetic_in_train: int
    """Rows of the synthetic table that are equal to a row of train."""
    synthetic_in_holdout: int
    """Rows of the synthetic table that are equal to a row of the holdout: what chance explains."""
    members: int
    nonmembers: int


@dataclass(frozen=True)
class AttackedRows:
    """The attacked records in an order that depends on their values alone."""

    train: Ints
    """Row numbers in train, of the members."""
    holdout: Ints
    """Row numbers in the holdout, of the non-members."""
    reference: Ints
    """Row numbers in the holdout, or in the reference table if there is one."""
    synthetic: Ints
    """Row numbers in the synthetic table: all of them, in such an order."""
    value: Ints
    """The number (records,) of each record's value; equal records share one."""
    counts: Counts

    @property
    def member(self) -> Bools:
        """Membership (records,): the rows of train come first."""
        return np.arange(len(self.train) + len(self.holdout)) < len(self.train)

    def blocks(self, seed: int) -> Ints:
        """Return a random block (records,) for each record; equal rows share one if they are rare.

        Where many rows are equal because there are few values, rows are independent all the same, and
        50 blocks of values would be too unlike each other.
        """
        n = len(self.value)
        unit = self.value if np.bincount(self.value).max() <= max(1, n // 200) else np.arange(n)
        n_units = int(unit.max()) + 1
        order = generator(seed, "groups").permutation(n_units) % min(N_BLOCKS, n_units)
        blocks: Ints = order[unit]
        return blocks


def hashes(table: pd.DataFrame) -> Hashes:
    """Return a number (rows,) for each row of a table of `alike`; equal rows have the same."""
    from pandas.util import hash_pandas_object

    found: Hashes = hash_pandas_object(table, index=False).to_numpy(np.uint64)
    return found


def attacked_rows(
    train: Hashes, holdout: Hashes, synthetic: Hashes, reference: Hashes | None, seed: int
) -> AttackedRows:
    """Decide which rows are attacked.

    Args:
        train: what `hashes` returns for train (n,).
        holdout: the same for the holdout (m,).
        synthetic: the same for the synthetic table.
        reference: the same for a table of reference records; None for half of the holdout.
        seed: draws that half.

    Raises:
        DataError: too few rows are left.
    """
    members, others = (_ordered(hashed, np.arange(len(hashed))) for hashed in (train, holdout))
    if reference is None:
        is_reference = generator(seed, "reference").permutation(len(others)) % 2 == 0
        chosen, others = others[is_reference], others[~is_reference]
        known = holdout[chosen]
    else:
        chosen, known = _ordered(reference, np.arange(len(reference))), reference
    of_train, of_holdout = train[members], holdout[others]
    dropped = [
        np.isin(of_train, np.concatenate([of_holdout, known])),
        np.isin(of_holdout, np.concatenate([of_train, known])),
    ]
    in_both, thinned = sum(int(rows.sum()) for rows in dropped), 0
    if in_both > MANY_DROPPED * (len(members) + len(others)):
        rng = generator(seed, "thinned")
        dropped[0] |= _repeated_in_surplus(of_train, len(others), rng)
        dropped[1] |= _repeated_in_surplus(of_holdout, len(members), rng)
        thinned = sum(int(rows.sum()) for rows in dropped) - in_both
    members, others = members[~dropped[0]], others[~dropped[1]]
    _check(len(members), len(others), len(chosen), in_both, reference is None)
    _, value = np.unique(np.concatenate([train[members], holdout[others]]), return_inverse=True)
    return AttackedRows(
        members,
        others,
        chosen,
        _ordered(synthetic, np.arange(len(synthetic))),
        value.astype(np.int64),
        Counts(
            train=len(train),
            holdout=len(holdout),
            synthetic=len(synthetic),
            reference=len(chosen),
            reference_is="a random half of the holdout" if reference is None else "a table",
            in_both=in_both,
            thinned=thinned,
            repeated_in_train=len(train) - len(np.unique(train)),
            repeated_in_holdout=len(holdout) - len(np.unique(holdout)),
            synthetic_in_train=int(np.isin(synthetic, train).sum()),
            synthetic_in_holdout=int(np.isin(synthetic, holdout).sum()),
            members=len(members),
            nonmembers=len(others),
        ),
    )


def _repeated_in_surplus(hashed: Hashes, n_others: int, rng: np.random.Generator) -> Bools:
    """Return which rows are equal to another one of as many random rows as a table is larger.

    Args:
        hashed: what `hashes` returns for the rows of the table, in the order of the hashes.
        n_others: the number of rows of the other table.
        rng: draws the rows.
    """
    is_surplus = rng.permutation(len(hashed)) < len(hashed) - n_others
    _, value = np.unique(hashed, return_inverse=True)
    repeated: Bools = np.bincount(value, weights=is_surplus)[value] - is_surplus > 0
    return repeated


def _ordered(hashed: Hashes, rows: Ints) -> Ints:
    """Return row numbers in the order of the rows' hashes."""
    ordered: Ints = rows[np.argsort(hashed[rows], kind="stable")]
    return ordered


def _check(members: int, others: int, reference: int, in_both: int, is_half: bool) -> None:
    """Raise DataError where too few rows are left on a side."""
    parts = {"train": members, "holdout": others, "reference": reference}
    for name, n in parts.items():
        if n >= MIN_ROWS:
            continue
        halved = " (half of the holdout is the reference)" if is_half and name != "train" else ""
        dropped = ""
        if in_both:
            dropped = f"; {in_both:,} rows are in two of the tables, and were dropped"
        raise DataError(
            f"{name}: {n} rows are left to work with{halved}, at least {MIN_ROWS} are needed{dropped}."
            " A TPR at 1% FPR needs at least 100 non-members, one at 0.1% at least 1,000"
            + (": twice as many rows of the holdout" if is_half else "")
        )
