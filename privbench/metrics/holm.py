"""Correction of several tests for their number."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float], level: float = 0.05) -> list[bool]:
    """Return which hypotheses are rejected so that all rejections are right with 1 - ``level``.

    The smallest of n p-values is compared with level / n, the next one with level / (n - 1), and so on,
    until one is larger. No independence of the tests is assumed.

    Args:
        p_values: p-values in [0, 1], one for each hypothesis.
        level: the probability of rejecting any true hypothesis, in (0, 1).

    Returns:
        Whether each hypothesis is rejected, in the order of ``p_values``.

    Raises:
        ValueError: if a p-value or the level is not a number in its range.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.04, 0.03], level=0.05)
    [True, False, False]
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level}: must be in (0, 1)")
    for p in p_values:
        if not 0 <= p <= 1:  # NaN, too
            raise ValueError(f"p-value {p}: must be in [0, 1]")
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > level / (len(p_values) - rank):
            break
        rejected[index] = True
    return rejected
