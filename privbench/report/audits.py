"""Audits in tables: the cell of a defense in ``summary``, and the view ``audit``.

A bound is shown beside the most that it could have been, and a verdict beside the epsilon that it would
have found out: without these, ``consistent`` cannot be told from "hardly tested".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from privbench.privacy.verdict import worst_verdict
from privbench.report.frontier import deciding
from privbench.report.groups import audited_size
from privbench.report.notes import Notes, name_of
from privbench.report.seeds import bound_over_seeds, parts_of
from privbench.report.tables import Table, comparable_groups, without_empty_columns
from privbench.storage.results import Row

AUDITED = "audited ε\nof ceiling"
VERDICT = "verdict\n(detectable ε)"
"""The columns of `audited_cells`."""
AUDITED_NOTE = (
    "the largest of the attacks' lower bounds on ε for replacing one record (95% each), of its"
    " ceiling: the bound if no guess were wrong"
)
VERDICT_NOTE = (
    "refuted: with 95% confidence for all claims of the run together; consistent: no proof, and in"
    " brackets the true ε at which it would have been refuted with probability .9 (optimal attack on"
    " Gaussian noise, a single claim); not tested: beside the other claims, not even guesses without an"
    " error could refute it"
)
VIEW_NOTES = (
    "bounds on ε for replacing one record, at δ, with 95% confidence each; * the one whose guesses"
    " decide the verdict",
    "one-run, f-DP: from guesses about fair coins, which need no independence; Clopper-Pearson, GDP: if"
    " all (model, record) pairs are independent; f-DP, GDP: if the mechanism is Gaussian",
    "ceiling: the bound * if no guess were wrong",
    "detectable: the smallest true ε at which the claim would be refuted with probability .9, by an"
    " optimal attack on Gaussian noise, were it the only claim",
    "verdict: at level .05 for all p-values of the run together (Holm); not tested: beside the other"
    " p-values, not even guesses without an error could refute the claim",
)
METHODS = {
    "one-run": "one-run",
    "f-dp": "f-DP",
    "clopper-pearson": "Clopper-\nPearson",
    "gdp": "GDP",
}
OPTIONAL_OF_AUDIT = ("GDP", "Clopper-\nPearson", "p-value", "f-DP", "δ")


class Audited(NamedTuple):
    """What audits say about a defense as a whole."""

    bound: float | None
    """The largest lower bound on epsilon, None if nothing was audited."""
    ceiling: float | None
    """What the bound would be if no guess were wrong."""
    verdict: str | None
    detectable: float | None
    """The smallest true epsilon that would have been refuted with probability .9; None if not tested."""
    n_attacks: int


def audited(rows: Sequence[Row]) -> Audited:
    """Return the largest audited epsilon of a defense beside its ceiling, and the verdict.

    - If the guarantee applies to some of the attacks, only these count; others see more.
    - Bounds for replacing one record count before those for replacing a group of them.
    - A defense without a guarantee as a whole may have one for its released data. Of its verdicts only
      ``refuted`` counts here; rows of attacks on the data have both.
    """
    verdict = worst_verdict(row["verdict"] for row in rows)
    if rows[0]["guarantee"] is None and verdict != "refuted":
        verdict = None
    judged = [row for row in rows if row["verdict"] is not None or verdict is None]
    counted = [row for row in deciding(judged) if row["audited_epsilon"] is not None]
    if not counted:
        return Audited(None, None, None, None, 0)
    smallest = min(map(audited_size, counted))
    counted = [row for row in counted if audited_size(row) == smallest]
    row = max(counted, key=lambda row: float(row["audited_epsilon"]))
    found = [audit["detectable"] for audit in _audits(counted) if audit["detectable"] is not None]
    tested = found and verdict not in (None, "not tested")
    return Audited(
        float(row["audited_epsilon"]),
        _ceiling(row),
        verdict,
        min(found) if tested else None,
        len(counted),
    )


def audited_cells(rows: Sequence[Row], notes: Notes) -> dict[str, str]:
    """Return what `audited` returns as cells, by header."""
    of_defense = audited(rows)
    if of_defense.bound is None:
        return {AUDITED: "-", VERDICT: "-"}
    ceiling = of_defense.ceiling
    bound = f"{of_defense.bound:.2f}" + ("" if ceiling is None else f" of {ceiling:.2f}")
    if ceiling is not None or of_defense.n_attacks > 1:
        size = min(audited_size(row) for row in rows if row["audited_epsilon"] is not None)
        what = "one record" if size == 1 else f"{size} records at once"
        notes.legend[name_of(AUDITED)] = AUDITED_NOTE.replace("one record", what)
    if of_defense.verdict is None:
        return {AUDITED: bound, VERDICT: "-"}
    power = "" if of_defense.detectable is None else f" ({of_defense.detectable:.3g})"
    if ceiling is not None:
        notes.legend[name_of(VERDICT)] = VERDICT_NOTE
    return {AUDITED: bound, VERDICT: of_defense.verdict + power}


def audit_tables(rows: Sequence[Row], _: object = None) -> list[Table]:
    """Return tables with a line per defense, attack, knowledge, subset (or kind) and seed."""
    tables = []
    for group in comparable_groups(rows):
        parts = [part for row in group for part in parts_of(row).values()]
        lines = [_line(row) for row in parts if row["status"] == "ok" and row["audit"] is not None]
        if len({row["seed"] for row in parts}) < 2:
            lines = [{h: text for h, text in line.items() if h != "seed"} for line in lines]
        notes = Notes(VIEW_NOTES if lines else ("no row has an audit: of an earlier version",))
        tables.append(Table.of(group, without_empty_columns(lines), notes, OPTIONAL_OF_AUDIT))
    return tables


def _line(row: Row) -> dict[str, str]:
    audit, claim = row["audit"], row["audit"]["claim"]
    bounds = {
        header: _epsilon(audit["bounds"][name]) + ("*" if name == audit["method"] else "")
        for name, header in METHODS.items()
    }
    naive = ", naive" if row["knowledge"] == "naive" else ""
    return {
        "defense": row["defense"],
        "attack": row["attack"] + naive,
        "records": row["canary_kind"] or row["subset"],
        "at\nonce": str(audited_size(row)) if "groups" in audit else "-",
        "seed": str(row["seed"]),
        "claim\nε": "-" if claim is None else f"{claim['epsilon']:.3g}",
        "δ": f"{audit['delta']:.2g}",
        **bounds,
        "ceiling": _epsilon(audit["ceiling"]),
        "detectable": "-" if audit["detectable"] is None else f"{audit['detectable']:.3g}",
        "p-value": "-" if audit["p_value"] is None else f"{audit['p_value']:.2g}",
        "verdict": row["verdict"] or "-",
    }


def _epsilon(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _ceiling(row: Row) -> float | None:
    """Return the largest bound that a row could have had; None for rows of earlier versions."""
    audits = _audits([row])
    return bound_over_seeds([audit["ceiling"] for audit in audits]) if audits else None


def _audits(rows: Sequence[Row]) -> list[dict[str, Any]]:
    parts = [part for row in rows for part in parts_of(row).values()]
    return [part["audit"] for part in parts if part["audit"] is not None]
