"""Numbers in words, for readers who are no experts.

>>> found((0.054, (0.041, 0.07)))
'about 54 [41, 70]'
>>> one_in(0.01), one_in(0.001)
('1 of 100', '1 of 1,000')
"""

from __future__ import annotations

from collections.abc import Sequence

OF = 1000
"""The members that sentences count in."""
Measured = tuple[float | None, Sequence[float] | None]
"""A rate and its interval; None where it is not resolved."""


def found(rate: Measured, of: int = OF) -> str:
    """Return a rate as a number of ``of``, with its interval; ``not known`` where it is unresolved."""
    value, interval = rate
    if value is None:
        return "not known"
    text = f"about {count(value, of)}"
    return text if interval is None else f"{text} {counts(interval, of)}"


def count(rate: float, of: int = OF) -> str:
    """Return a rate as a number of ``of``; one decimal below 10, where there is one.

    >>> count(0.98), count(0.0042), count(0.977, 100)
    ('980', '4.2', '97.7')
    """
    number = rate * of
    decimals = 1 if number < 10 or of <= 100 else 0
    text = f"{number:,.{decimals}f}"
    return text.removesuffix(".0")


def counts(interval: Sequence[float], of: int = OF) -> str:
    """Return an interval of a rate in numbers of ``of``.

    >>> counts((0.0, 0.07))
    '[0, 70]'
    """
    return f"[{count(interval[0], of)}, {count(interval[1], of)}]"


def one_in(rate: float) -> str:
    """Return a small rate as one of so many."""
    return f"1 of {round(1 / rate):,}"
