"""The best line of each column of a table, if it can be told apart from all others.

The best of a column is the line with the largest value, or the smallest. A tie has no best line: another
line cannot be told apart from it if

1. the 95% interval of their difference contains 0 (`differences`): for the AUC, the TPR at 1% FPR and
   the test accuracy. The difference is paired where it is stored what pairs the two;
2. otherwise, their 95% intervals overlap;
3. or nothing is known about their difference, because one of both has no interval.

Each interval holds by itself. A column has no best line either if fewer than two lines have a value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from privbench.report.differences import Differences, Measure
from privbench.report.estimates import Estimate
from privbench.storage.results import Row

Shown = Mapping[str, Row | None]
"""The row that each cell of a line is of, by header."""


@dataclass(frozen=True)
class Column:
    """A column in which larger, or smaller, values are better."""

    header: str
    read: Callable[[Row], Estimate]
    larger: bool
    measure: Measure | None = None
    """What `Differences` knows the values as; None if it does not know them."""


def best_lines(
    columns: Sequence[Column],
    shown: Sequence[Shown],
    differences: Differences,
    blocks: Sequence[Hashable] | None = None,
) -> dict[str, frozenset[int]]:
    """Return the numbers of the best lines of each column, one of each block, by its header.

    Args:
        columns: the columns that have a best line.
        shown: the rows of each line.
        differences: says how well differences between rows are known.
        blocks: what lines must have in common to be compared; one for each line. Default: all are.
    """
    of_block: dict[Hashable, list[int]] = {}
    for line in range(len(shown)):
        of_block.setdefault(blocks[line] if blocks else None, []).append(line)
    return {
        column.header: frozenset().union(
            *(_best(column, shown, lines, differences) for lines in of_block.values())
        )
        for column in columns
    }


def _best(
    column: Column, shown: Sequence[Shown], lines: Sequence[int], differences: Differences
) -> frozenset[int]:
    rows = {line: row for line in lines if (row := shown[line].get(column.header)) is not None}
    values = {
        line: value for line, row in rows.items() if (value := column.read(row)[0]) is not None
    }
    if len(values) < 2:
        return frozenset()
    best = (max if column.larger else min)(values, key=lambda line: values[line])
    distinct = {
        line: _is_distinct(column, rows[best], rows[line], differences)
        for line in values
        if line != best
    }
    return frozenset([best] if all(distinct.values()) else [])


def _is_distinct(column: Column, first: Row, second: Row, differences: Differences) -> bool | None:
    """Return whether two values can be told apart; None if nothing is known about it."""
    if column.measure is not None:
        found = differences.between(first, second, column.measure)
        return None if found is None else found.is_distinct
    (_, own), (_, other) = column.read(first), column.read(second)
    if own is None or other is None:
        return None
    return own[0] > other[1] or other[0] > own[1]
