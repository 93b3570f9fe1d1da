"""The views of results: which tables rows are shown as.

- ``summary``: a line per defense, as ``auto`` finds it, or else the attack that does best;
- ``utility``: a line per defense, its accuracy beside that of others and of DP-SGD at equal exposure;
- ``attacks``: a line per attack, adaptive beside naive;
- ``audit``: a line per attack, its lower bounds on epsilon and the verdict on the guarantee;
- ``differences``: a line per defense, how it differs from another one, or a line per attack;
- ``records``: a line per attack, with the records that it finds out most about;
- ``rows``: all rows, unrounded.

A view is a function of rows, and of how well their differences are known. Defenses can only be compared
on the same dataset and model, so a view returns a table for each of these. Seeds are combined before
(`seeds`), but for ``rows``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from privbench.report.audits import AUDITED, VERDICT, audit_tables, audited_cells
from privbench.report.best import Column, Shown, best_lines
from privbench.report.canaries import named, worst_kinds
from privbench.report.difference_view import difference_tables
from privbench.report.differences import Differences
from privbench.report.estimates import (
    Estimate,
    accuracy,
    auc,
    balanced,
    calibrated,
    precision,
    small_tpr,
    tpr,
)
from privbench.report.frontier import deciding, on_data
from privbench.report.guarantees import guarantee_cell
from privbench.report.notes import Notes, name_of
from privbench.report.numbers import half_width, interval_text, number
from privbench.report.ranks import rank_note, rank_text, ranks
from privbench.report.records import record_lines
from privbench.report.tables import (
    WARNINGS,
    Cells,
    Table,
    comparable_groups,
    without_empty_columns,
)
from privbench.report.utility import (
    BEST_OF_UTILITY,
    summary_notes,
    utility_lines,
    utility_notes,
    utility_rows,
)
from privbench.storage.results import COLUMNS, Row

NOTHING_STORED = Differences()
RANK = "rank"
"""The column of ranks by exposure; left out where it is not stored what pairs defenses."""
TEST, AUC, TPR = "test\nacc.", "AUC\n[95% CI]", "TPR at 1% FPR\n[95% CI]"
NAIVE_AUC, NAIVE_TPR, CANARIES = "naive\nAUC", "naive\nTPR", "canaries\nTPR at 1% FPR"
"""Columns of ``summary`` that are estimates."""
DATA_AUC = "data\nAUC"
"""The column of attacks on released data; left out where there are no such attacks."""
OPTIONAL_OF_SUMMARY = (
    "s",
    "gap",
    "±\n95%",
    "naive\nTPR",
    "naive\nAUC",
    "attack",
    RANK,
    "canaries\nTPR at 1% FPR",
    VERDICT,
    WARNINGS,
    AUDITED,
    "TPR at 1% FPR\n[95% CI]",
)
OPTIONAL_OF_UTILITY = (
    "pairwise\nfidelity",
    "column\nfidelity",
    "balanced\nacc.",
    "dp-sgd at\nthis TPR",
    "dp-sgd at\nthis AUC",
    "data\nAUC",
    "minus dp-sgd\nat this TPR",
    "canaries\nTPR",
    "minus\nnone",
    "minus\npublic-only",
)
OPTIONAL_OF_ATTACKS = (
    "queries",
    "precision\nnaive",
    "precision\nadaptive",
    "calibrated TPR\nnaive",
    "calibrated TPR\nadaptive",
    "balanced acc.\nnaive",
    "balanced acc.\nadaptive",
    "TPR at 0.1% FPR\nnaive",
    "TPR at 0.1% FPR\nadaptive",
    "TPR at 1% FPR\nnaive",
    "AUC\nnaive",
)
OF_ATTACKS_NOTES = {
    "calibrated TPR": "TPR at 1% FPR, with scores that are standardised for each record",
    "precision": "share of members among those that are called members, where 1% of all are members and"
    " thresholds have an FPR of 1% on shadows",
}
"""Notes on columns, by the first line of their header."""


BEST_OF_SUMMARY = (
    Column(TEST, accuracy, larger=True, measure="accuracy"),
    Column(AUC, auc, larger=False, measure="auc"),
    Column(NAIVE_AUC, auc, larger=False, measure="auc"),
    Column(TPR, tpr, larger=False, measure="tpr"),
    Column(NAIVE_TPR, tpr, larger=False, measure="tpr"),
    Column(CANARIES, tpr, larger=False),
    Column(DATA_AUC, auc, larger=False, measure="auc"),
)
BEST_OF_ATTACKS = tuple(
    column
    for knowledge in ("adaptive", "naive")
    for column in (
        Column(f"AUC\n{knowledge}", auc, larger=True, measure="auc"),
        Column(f"TPR at 0.1% FPR\n{knowledge}", small_tpr, larger=True),
        Column(f"TPR at 1% FPR\n{knowledge}", tpr, larger=True, measure="tpr"),
        Column(f"calibrated TPR\n{knowledge}", calibrated, larger=True),
    )
)
"""The columns that have a best line, of each view."""


def summary(rows: Sequence[Row], differences: Differences = NOTHING_STORED) -> list[Table]:
    """Return tables with a line per defense.

    The numbers are those of ``auto``, which is chosen beforehand. Without it, each number is that of the
    attack that does best in it on the target itself: a largest of several, not corrected for the
    choice, which a note says. The attack that is named has the largest AUC. Attacks on released data
    have a column of their own, because whoever releases only the model is not exposed to them.
    """
    tables = []
    for group in comparable_groups(rows):
        notes = Notes(summary_notes(group, differences))
        rank_of = ranks(group, differences)
        lines, shown = _summary_lines(group, notes, rank_of)
        best = best_lines(BEST_OF_SUMMARY, shown, differences)
        first = {defense for defense, (_, high) in rank_of.items() if high == 1}
        best[RANK] = frozenset(i for i, line in enumerate(lines) if line["defense"] in first)
        tables.append(Table.of(group, lines, notes, OPTIONAL_OF_SUMMARY, best))
    return tables


def utility(rows: Sequence[Row], differences: Differences = NOTHING_STORED) -> list[Table]:
    """Return tables with a line per defense: its accuracy, and that of DP-SGD at the same exposure.

    Exposure is measured twice: by the AUC on records, and by the TPR at 1% FPR on the worst kind of
    canaries, each time of the strongest attack on the model. For defenses that release data, the AUC of
    attacks on the data and the fidelity of the data are shown as well. Differences of accuracies are
    paired, as ``differences`` knows them.
    """
    tables = []
    for group in comparable_groups(rows):
        canaries = worst_kinds([row for row in group if row["subset"] == "canaries"], "tpr")
        lines = utility_lines(group, canaries, differences)
        notes = Notes(utility_notes(group, lines))
        best = best_lines(BEST_OF_UTILITY, utility_rows(group, canaries), differences)
        lines = without_empty_columns(lines)
        tables.append(Table.of(group, lines, notes, OPTIONAL_OF_UTILITY, best))
    return tables


def attacks(rows: Sequence[Row], differences: Differences = NOTHING_STORED) -> list[Table]:
    """Return tables with a line per subset (or kind), defense and attack: adaptive beside naive.

    The best attacks are the strongest ones on the same records and the same defense.
    """
    tables = []
    for group in comparable_groups(rows):
        notes = Notes()
        pairs = _attack_pairs(group)
        shown = [
            {c.header: pair.get(c.header.split("\n")[1]) for c in BEST_OF_ATTACKS}
            for pair in pairs.values()
        ]
        blocks = [key[:-1] for key in pairs]
        best = best_lines(BEST_OF_ATTACKS, shown, differences, blocks)
        lines = _attack_lines(pairs, notes)
        tables.append(Table.of(group, lines, notes, OPTIONAL_OF_ATTACKS, best))
    return tables


def records(rows: Sequence[Row], differences: Differences = NOTHING_STORED) -> list[Table]:
    """Return tables with a line per row: AUCs of single records, and what is due to chance."""
    return [
        Table.of(group, record_lines(group, notes := Notes()), notes, ("mean\nAUC",))
        for group in comparable_groups(rows)
    ]


def every_row(rows: Sequence[Row], differences: Differences = NOTHING_STORED) -> list[Table]:
    """Return one table of all rows with all columns, unrounded."""
    lines = [{column: _plain(row[column]) for column in COLUMNS} for row in rows]
    return [Table("", lines)]


VIEWS: dict[str, Callable[[Sequence[Row], Differences], list[Table]]] = {
    "summary": summary,
    "utility": utility,
    "attacks": attacks,
    "audit": audit_tables,
    "differences": difference_tables,
    "records": records,
    "rows": every_row,
}


def _summary_lines(
    rows: list[Row], notes: Notes, rank_of: dict[str, tuple[int, int]]
) -> tuple[Cells, list[Shown]]:
    lines: Cells = []
    shown: list[Shown] = []
    for defense in dict.fromkeys(row["defense"] for row in rows):
        of_defense = [row for row in rows if row["defense"] == defense]
        ok = [row for row in of_defense if row["status"] == "ok"]
        line, row_of = (
            _summary_line(defense, ok, notes, rank_of)
            if ok
            else (_empty_line(defense, of_defense[0]["status"]), {})
        )
        lines.append(line)
        shown.append(row_of)
    if rank_of:
        notes.legend[RANK] = rank_note(rows)
    else:
        for line in lines:
            line.pop(RANK, None)
    if not any(map(on_data, rows)):
        for line in lines:
            line.pop(DATA_AUC, None)
    if all(row["test_accuracy_ci"] is None for row in rows):  # of earlier versions
        for line in lines:
            line.pop("±\n95%", None)
    for header in (VERDICT, WARNINGS):
        if all(line.get(header, "-") == "-" for line in lines):
            for line in lines:
                line.pop(header, None)
    notes.sort_legend(list(lines[0]))
    return lines, shown


def _summary_line(
    defense: str, rows: list[Row], notes: Notes, rank_of: dict[str, tuple[int, int]]
) -> tuple[dict[str, str], Shown]:
    """Return the cells of a defense, and the rows of those that are estimates."""
    of_model = [row for row in rows if not on_data(row)]
    records = [row for row in of_model if row["subset"] == "records"]
    canaries = worst_kinds([row for row in of_model if row["subset"] == "canaries"], "tpr")
    data = [row for row in rows if on_data(row) and row["subset"] == "records"]
    naive = [row for row in records if row["knowledge"] == "naive"]
    row_of = {
        TEST: rows[0],
        AUC: _strongest(records, auc),
        NAIVE_AUC: _strongest(naive, auc),
        TPR: _strongest(records, tpr),
        NAIVE_TPR: _strongest(naive, tpr),
        CANARIES: _strongest(canaries, tpr),
        DATA_AUC: _strongest(data, auc),
    }
    cells = {
        "defense": defense,
        TEST: number(rows[0]["test_accuracy"]),
        "±\n95%": half_width(rows[0]["test_accuracy"], rows[0]["test_accuracy_ci"]),
        "gap": number(rows[0]["train_accuracy"] - rows[0]["test_accuracy"]),
        "attack": _attack_name(row_of[AUC], records, notes),
        AUC: _estimate(row_of[AUC], auc),
        RANK: rank_text(rank_of.get(defense)),
        NAIVE_AUC: _value(row_of[NAIVE_AUC], auc),
        TPR: _estimate(row_of[TPR], tpr),
        NAIVE_TPR: _value(row_of[NAIVE_TPR], tpr),
        CANARIES: named(_estimate(row_of[CANARIES], tpr), row_of[CANARIES])
        + notes.star(len(deciding(canaries))),
        DATA_AUC: _value(row_of[DATA_AUC], auc),
        "guarantee": guarantee_cell(rows[0], notes),
        **audited_cells(rows, notes),
        WARNINGS: notes.warnings(rows),
        "s": f"{max(row['seconds'] for row in rows):.0f}",
    }
    return cells, row_of


def _empty_line(defense: str, status: str) -> dict[str, str]:
    return {"defense": defense, "attack": f"({status})"}


def _attack_pairs(rows: list[Row]) -> dict[tuple[Any, ...], dict[str, Row]]:
    """Return the rows that are ok by knowledge, for each subset, kind, defense and attack."""
    names = ("subset", "canary_kind", "defense", "attack")
    pairs: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in sorted(rows, key=lambda row: row["subset"] != "records"):
        if row["status"] == "ok":
            pairs.setdefault(tuple(row[name] for name in names), {})[row["knowledge"]] = row
    return pairs


def _attack_lines(pairs: Mapping[tuple[Any, ...], dict[str, Row]], notes: Notes) -> Cells:
    lines = []
    for (subset, kind, defense, attack), pair in pairs.items():
        adaptive, naive = pair.get("adaptive"), pair.get("naive")
        lines.append(
            {
                "subset": subset,
                "canary kind": kind or "-",
                "defense": defense,
                "attack": attack,
                "AUC\nadaptive": _estimate(adaptive, auc),
                "AUC\nnaive": _estimate(naive, auc),
                "TPR at 0.1% FPR\nadaptive": _estimate(adaptive, small_tpr),
                "TPR at 0.1% FPR\nnaive": _estimate(naive, small_tpr),
                "TPR at 1% FPR\nadaptive": _estimate(adaptive, tpr),
                "TPR at 1% FPR\nnaive": _estimate(naive, tpr),
                "calibrated TPR\nadaptive": _value_if_any(adaptive, calibrated),
                "calibrated TPR\nnaive": _value_if_any(naive, calibrated),
                "precision\nadaptive": _value_if_any(adaptive, precision),
                "precision\nnaive": _value_if_any(naive, precision),
                "balanced acc.\nadaptive": _value(adaptive, balanced),
                "balanced acc.\nnaive": _value(naive, balanced),
                "queries": _queries(adaptive or naive),
                WARNINGS: notes.warnings(pair.values()),
            }
        )
    lines = without_empty_columns(lines)
    shown = {name_of(header) for line in lines for header in line}
    notes.legend |= {name: text for name, text in OF_ATTACKS_NOTES.items() if name in shown}
    return lines


def _queries(row: Row | None) -> str:
    return "-" if row is None or row["queries"] is None else str(row["queries"])


def _strongest(rows: Iterable[Row], read: Callable[[Row], Estimate]) -> Row | None:
    """Return the row of the strongest attack, of those that are `deciding`; None if there are no rows.

    Order:
        1. the larger value;
        2. for equal values, the larger lower end of the interval;
        3. if both are equal, adaptive before naive.
    """

    def strength(row: Row) -> tuple[float, float]:
        value, interval = read(row)
        return (-1.0 if value is None else value, interval[0] if interval else 0.0)

    order = sorted(deciding(list(rows)), key=lambda row: row["knowledge"] != "adaptive")
    return max(order, key=strength, default=None)


def _attack_name(row: Row | None, rows: list[Row], notes: Notes) -> str:
    """Return the name of the strongest attack, with a star if it was chosen on the target."""
    if row is None:
        return "-"
    name = f"{row['attack']}, naive" if row["knowledge"] == "naive" else str(row["attack"])
    return name + notes.star(len(deciding(rows)))


def _estimate(row: Row | None, read: Callable[[Row], Estimate]) -> str:
    if row is None:
        return "-"
    return interval_text(*read(row))


def _value(row: Row | None, read: Callable[[Row], Estimate]) -> str:
    if row is None:
        return "-"
    value = read(row)[0]
    return "unresolved" if value is None else number(value)


def _value_if_any(row: Row | None, read: Callable[[Row], Estimate]) -> str:
    """Return a value that not every row has; a dash where there is none."""
    value = None if row is None else read(row)[0]
    return "-" if value is None else number(value)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
