"""Sizes of memory, as users write them."""

from __future__ import annotations

import re

from privbench.errors import BadInput

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def memory_size(text: str, where: str = "--memory") -> int:
    """Return the bytes of a size such as ``4GiB``, ``4G`` (4 * 10^9) or ``500MB``.

    Raises:
        BadInput: it is no size, or no memory at all.

    >>> memory_size("1.5 GiB")
    1610612736
    """
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]i?)?b?", text.strip().lower())
    size = int(float(match[1]) * UNITS[match[2] or ""]) if match else 0
    if size < 1:
        raise BadInput(
            f"{where} {text}: this is no size of memory (allowed: such as 4GiB or 500MB)"
        )
    return size
