"""The split of a dataset and membership where records belong to groups that stay together.

Training sets have a fixed size, as those of single records. Groups of different sizes are drawn so that

1. each model has exactly half of the pool's records, in whole groups;
2. each group is a member with probability 1/2, whatever its size: a set and its complement are equally
   likely, so that the size of a group says nothing about its membership;
3. groups of equal size are exchangeable: of two of them of which one is a member, it is a fair coin
   which one it is, given everything else.

Rows are independent of each other, as those of `privbench.membership`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privbench.errors import BadInput
from privbench.metrics.groups import Groups
from privbench.seeds import generator

TRIES = 1000
"""How often groups are put in another order if they do not give the right number of records."""
ORDERS = 50
"""How often they are for a larger pool."""
ENOUGH = 0.95
"""The share of the pool that is asked for with which the first order is taken."""
MIN_GROUPS = 4
"""The smallest number of groups in a pool."""

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def split_groups(groups: Groups, n_pool: int, n_reference: int, rng: np.random.Generator) -> tuple[
    Ints, Ints, Ints
]:  # fmt: skip
    """Return the records of pool, reference and test (indices); no group is in two of them.

    Groups in random order go into the pool if they fit, then into the reference records, and the rest
    into the test records. None is larger than half of the pool. The last groups leave the pool again
    until it can be divided into halves, so that the parts may be a little smaller than asked for. Of
    several orders the first is taken in which the pool is as large as ``ENOUGH`` says, or else the best.

    Args:
        groups: the groups of all records.
        n_pool: the largest number of pool records.
        n_reference: the largest number of reference records.
        rng: draws the order.

    Returns:
        Indices, in which the records of a group follow each other.

    Raises:
        BadInput: if no pool of several groups can be divided into halves.
    """
    sizes, order, of_pool = groups.sizes, np.zeros(0, np.int64), np.zeros(0, np.int64)
    for _ in range(ORDERS):
        other = rng.permutation(len(groups))
        taken = _fitting(other[sizes[other] <= n_pool // 2], sizes, n_pool)
        while len(taken) and not can_halve(sizes[taken]):
            taken = taken[:-1]
        if not len(of_pool) or sizes[taken].sum() > sizes[of_pool].sum():
            order, of_pool = other, taken
        if sizes[of_pool].sum() >= ENOUGH * n_pool:
            break
    if len(of_pool) < MIN_GROUPS:
        raise BadInput(
            f"pool: no pool of {n_pool} records was found that divides into halves of whole groups;"
            f" there are {len(groups)} groups, of {sizes.mean():.3g} records each, the largest of"
            f" {sizes.max()}; groups must be smaller, or the pool larger"
        )
    rest = order[~np.isin(order, of_pool)]
    of_reference = _fitting(rest, sizes, n_reference)
    of_test = rest[~np.isin(rest, of_reference)]
    by_group = np.argsort(groups.codes, kind="stable")
    starts = np.cumsum(sizes) - sizes

    def records(chosen: Ints) -> Ints:
        parts = [by_group[starts[g] : starts[g] + sizes[g]] for g in chosen]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    return records(of_pool), records(of_reference), records(of_test)


def can_halve(sizes: Ints) -> bool:
    """Return whether some of the groups have exactly half of all records.

    >>> can_halve(np.array([3, 3, 3])), can_halve(np.array([3, 2, 1]))
    (False, True)
    """
    total = int(sizes.sum())
    reachable = 1  # bit i: some of the groups have i records
    for size, count in zip(
        *(a.tolist() for a in np.unique(sizes, return_counts=True)), strict=True
    ):
        left, times = count, 1
        while left:  # 1, 2, 4, ... groups at once, and the rest: any number of them
            times = min(times, left)
            reachable |= reachable << (size * times)
            left, times = left - times, times * 2
    return total % 2 == 0 and bool(reachable >> (total // 2) & 1)


def draw_groups(rng: np.random.Generator, sizes: Ints, n_members: int) -> Bools:
    """Draw groups (groups,) that have exactly ``n_members`` records; those of one size are exchangeable.

    Groups in random order are taken as long as they fit. If records are then lacking, a group is
    exchanged for one that is larger by as many, all such exchanges being equally likely.

    Args:
        rng: draws the groups.
        sizes: int64 (groups,), the number of records of each.
        n_members: the number of records.

    Raises:
        BadInput: if no such groups were found.
    """
    for _ in range(TRIES):
        order = rng.permutation(len(sizes))
        total = np.cumsum(sizes[order])
        n_taken = int(np.searchsorted(total, n_members, side="right"))
        chosen = np.zeros(len(sizes), dtype=bool)
        chosen[order[:n_taken]] = True
        lacking = n_members - int(sizes[chosen].sum())
        if not lacking or (lacking > 0 and _exchanged(rng, sizes, chosen, lacking)):
            return chosen
    raise BadInput(
        f"no {n_members} of {int(sizes.sum())} records were found that are whole groups (the largest of"
        f" {len(sizes)} groups has {int(sizes.max(initial=0))}): models must all be trained on equally"
        " many; another `pool`, fewer canaries, or groups of fewer records may help"
    )


def halved(rng: np.random.Generator, sizes: Ints) -> Bools:
    """Draw groups (groups,) that have half of the records; each is drawn with probability 1/2."""
    chosen = draw_groups(rng, sizes, int(sizes.sum()) // 2)
    return ~chosen if rng.random() < 0.5 else chosen


def draw_grouped_membership(
    n_models: int, groups: Groups, canary: Bools, always: Bools, names: object
) -> Bools:
    """Draw membership (n_models, n_pool) with exactly half of the pool per row, in whole groups.

    Args:
        n_models: number of rows.
        groups: the groups of pool records.
        canary: bool (n_pool,), the canaries, each a group of its own: by independent fair coins.
        always: bool (n_pool,), whole groups that are members of every row.
        names: determine the random draws.

    Raises:
        BadInput: if models cannot be trained on equally many records.
    """
    sizes, member = groups.sizes, np.zeros((n_models, len(canary)), dtype=bool)
    is_canary, is_always = canary[groups.first], always[groups.first]
    ordinary = np.flatnonzero(~is_canary & ~is_always)
    for model, row in enumerate(member):
        rng = generator("membership", names, model)
        if len(ordinary) == len(groups):
            row[:] = halved(rng, sizes)[groups.codes]
            continue
        chosen = is_always | (is_canary & (rng.random(len(groups)) < 0.5))
        left = len(canary) // 2 - int(sizes[chosen].sum())
        chosen[ordinary] = draw_groups(rng, sizes[ordinary], left)
        row[:] = chosen[groups.codes]
    return member


def _fitting(order: Ints, sizes: Ints, room: int) -> Ints:
    """Return the groups, in this order, that fit into what the ones before them have left."""
    taken = []
    for group, size in zip(order.tolist(), sizes[order].tolist(), strict=True):
        if size <= room:
            taken.append(group)
            room -= size
        if not room:
            break
    return np.array(taken, dtype=np.int64)


def _exchanged(rng: np.random.Generator, sizes: Ints, chosen: Bools, lacking: int) -> bool:
    """Exchange one of the chosen groups, or none, for one that has ``lacking`` more records."""
    top = int(sizes.max())
    inside = np.bincount(sizes[chosen], minlength=top + 1)
    inside[0] = 1  # no group leaves
    outside = np.bincount(sizes[~chosen], minlength=top + 1)
    ways = inside[: max(0, top + 1 - lacking)] * outside[lacking:]
    if not ways.any():
        return False
    size = int(rng.choice(len(ways), p=ways / ways.sum()))
    enters = rng.choice(np.flatnonzero(~chosen & (sizes == size + lacking)))
    if size:
        chosen[rng.choice(np.flatnonzero(chosen & (sizes == size)))] = False
    chosen[enters] = True
    return True
