"""The verdicts on the guarantees of one run, corrected for their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

LEVEL = 0.05
"""The probability that any claim of a run is refuted although it is true."""

SEVERITY = ("refuted", "consistent", "not tested")


def worst_verdict(verdicts: Iterable[str | None]) -> str | None:
    """Return the verdict that speaks for several rows: the first of ``SEVERITY`` that occurs.

    >>> worst_verdict(["not tested", None, "consistent"])
    'consistent'
    """
    given = set(verdicts)
    return next((verdict for verdict in SEVERITY if verdict in given), None)


def with_verdicts(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of one run with their verdicts.

    - ``refuted``: the p-value of the claim is significant by Holm's correction for all p-values of the
      rows, because a table shows the most extreme of many.
    - ``not tested``: not even guesses without an error would have refuted the claim, beside the other
      p-values of the run.
    - ``consistent``: the claim could have been refuted, and was not. This is no proof.

    The verdict is None where there is no claim, or no guesses about coins. Rows of earlier
    versions, without ``audit``, keep the verdict that is stored.

    Args:
        rows: the rows of one run, each with ``audit`` and ``verdict``.
    """
    from privbench.metrics.holm import holm

    audits = [row["audit"] for row in rows]
    p_values = [a["p_value"] for a in audits if a is not None and a["p_value"] is not None]
    rejected = holm(p_values, LEVEL)
    refuted, n_left = iter(rejected), len(p_values) - sum(rejected)

    def verdict(row: dict[str, Any]) -> str | None:
        audit = row["audit"]
        if audit is None:
            stored: str | None = row["verdict"]
            return stored
        if audit["claim"] is None or audit["method"] is None:
            return None
        if audit["p_value"] is None:
            return "not tested"
        if next(refuted):
            return "refuted"
        # What Holm's correction leaves is refuted by a p-value of at most level / n_left. Rows that were
        # written before it was looked at have no ``least_p_value``.
        can_be_refuted = audit.get("least_p_value", 0.0) <= LEVEL / n_left
        return "consistent" if can_be_refuted else "not tested"

    return [row | {"verdict": verdict(row)} for row in rows]
