"""How reports list what was not tried."""

from __future__ import annotations

from collections.abc import Mapping


def by_reason(skipped: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return each reason with the attacks that were skipped for it."""
    reasons: dict[str, list[str]] = {}
    for name, reason in skipped.items():
        reasons.setdefault(reason, []).append(name)
    return list(reasons.items())


def skipped_notes(skipped: Mapping[str, str]) -> list[str]:
    """Return a line for each reason.

    >>> skipped_notes({"lira": "needs shadows", "gradient": "needs parameters", "rmia": "needs shadows"})
    ['skipped lira, rmia: needs shadows', 'skipped gradient: needs parameters']
    """
    return [f"skipped {', '.join(names)}: {reason}" for reason, names in by_reason(skipped)]
