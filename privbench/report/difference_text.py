"""Differences as cells of tables, and what their marks stand for."""

from __future__ import annotations

import numpy as np

from privbench.metrics.differences import Difference
from privbench.report.numbers import signed_interval_text

SIGN = "≈"
SIGN_NOTE = (
    f"{SIGN}: the 95% interval of the difference contains 0, so the two cannot be told apart"
)
UNPAIRED = "†"
UNPAIRED_NOTE = (
    f"{UNPAIRED}: unpaired, so wider than need be, since what pairs the two is not stored here"
)


def difference_text(difference: Difference, error: float = 0.0) -> str:
    """Return a difference and its interval, with the marks that apply.

    Args:
        difference: the difference.
        error: half of a further 95% interval, of what the second value should be.

    >>> difference_text(Difference(0.1, 0.0, 3)), difference_text(Difference(0.0, 0.0, 3, paired=False))
    ('+.100 [+.100 +.100]', '≈ +.000 [+.000 +.000]†')
    """
    low, high = (float(np.hypot(difference.value - end, error)) for end in difference.interval)
    interval = (difference.value - low, difference.value + high)
    text = signed_interval_text(difference.value, interval)
    if not difference.paired:
        text += UNPAIRED
    return f"{SIGN} {text}" if interval[0] <= 0 <= interval[1] else text


def mark_notes(lines: list[dict[str, str]]) -> list[str]:
    """Return what the marks of differences in the cells of a table stand for."""
    cells = [text for line in lines for text in line.values()]
    signs = [SIGN_NOTE] if any(text.startswith(SIGN) for text in cells) else []
    return [*signs, *([UNPAIRED_NOTE] if any(text.endswith(UNPAIRED) for text in cells) else [])]
