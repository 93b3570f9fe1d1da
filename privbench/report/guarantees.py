"""Guarantees as cells of tables and pages."""

from __future__ import annotations

from typing import Any

from privbench.report.notes import Notes
from privbench.storage.results import Row

REPLACING_NOTE = (
    "in brackets ε for replacing one record, which the verdict is about, at δ={:g} or the guarantee's"
    " own δ, if that is larger"
)


def guarantee_text(stated: Any) -> tuple[str, str]:
    """Return the epsilon of a guarantee, and that of replacing one record in brackets.

    The second is empty if it is the same, or not known at the delta of audits.

    Args:
        stated: the guarantee as rows have it.
    """
    from privbench.privacy import Guarantee
    from privbench.privacy.profile import COMMON_DELTA

    guarantee = Guarantee.from_json(stated)
    unit = "·d" if guarantee.kind == "metric-dp" else ""
    replacing = guarantee.of_replacing(COMMON_DELTA)
    common = (guarantee.epsilon, max(guarantee.delta, COMMON_DELTA))
    is_other = replacing is not None and replacing[1] == common[1] and replacing[0] != common[0]
    bracket = f"({replacing[0]:.3g})" if replacing is not None and is_other else ""
    return f"ε={guarantee.epsilon:.3g}{unit}", bracket


def guarantee_cell(row: Row, notes: Notes) -> str:
    """Return the guarantee of a row as a cell, with a footnote that has its terms and conditions."""
    if row["guarantee"] is None:
        return notes.mark(row["reason"]) if row["reason"] else "-"
    from privbench.privacy import Guarantee
    from privbench.privacy.profile import COMMON_DELTA

    epsilon, bracket = guarantee_text(row["guarantee"])
    if bracket:
        notes.legend["guarantee"] = REPLACING_NOTE.format(COMMON_DELTA)
    guarantee = Guarantee.from_json(row["guarantee"])
    conditions = "; ".join(map(str, guarantee.conditions))
    given = f", if {conditions}" if conditions else ""
    note = notes.mark(f"{guarantee.terms()}, {guarantee.accountant}{given}")
    return " ".join(text for text in (epsilon, bracket, note) if text)
