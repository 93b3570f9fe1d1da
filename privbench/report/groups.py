"""What tables say where the units of results are groups of records."""

from __future__ import annotations

from collections.abc import Sequence

from privbench.report.seeds import parts_of
from privbench.storage.results import Row


def audited_size(row: Row) -> int:
    """Return how many records a coin of the row's audit replaces at once; 1 without groups."""
    sizes = [_groups(part)["audited_size"] for part in parts_of(row).values() if _groups(part)]
    return max(sizes, default=1)


def groups_note(rows: Sequence[Row]) -> str:
    """Return what to know about rows whose units are groups of records; empty if none are."""
    counts = [
        _groups(part)
        for row in rows
        if row["subset"] == "records" and row["status"] == "ok"
        for part in parts_of(row).values()
    ]
    found = next((groups for groups in counts if groups), None)
    if found is None:
        return ""
    size = found["audited_size"]
    text = (
        f"{found['n_records']:,} pool records in {found['n_groups']:,} groups that are members together:"
        " AUC, TPR, intervals and exposed records are of groups"
    )
    if size == 1:
        return f"{text}; audited ε: of those that are single records"
    return f"{text}; audited ε and claim: for replacing {size} records at once (canaries: one)"


def _groups(row: Row) -> dict[str, int]:
    found: dict[str, int] = (row.get("audit") or {}).get("groups", {})
    return found
