"""Numbers and lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

MAX_ITEM = 200
"""Characters of an item of a list in a message; those of strangers may have millions."""


def plural(number: int, noun: str) -> str:
    """Return a number and its noun.

    >>> plural(1, "model"), plural(2000, "record")
    ('1 model', '2,000 records')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def shortened(items: Sequence[str], shown: int = 10) -> str:
    """Return the first items, and how many more there are.

    >>> shortened(["a", "b", "c"], shown=2)
    'a, b and 1 more'
    """
    more = f" and {len(items) - shown:,} more" if len(items) > shown else ""
    cut = (item if len(item) <= MAX_ITEM else f"{item[:MAX_ITEM]}..." for item in items[:shown])
    return ", ".join(cut) + more
