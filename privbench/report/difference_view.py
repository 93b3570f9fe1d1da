"""The view ``differences``: each defense less another one, or each attack less another one."""

from __future__ import annotations

from collections.abc import Sequence

from privbench.errors import BadInput
from privbench.report.difference_text import difference_text, mark_notes
from privbench.report.differences import Differences, Measure
from privbench.report.frontier import exposures, first_rows
from privbench.report.notes import Notes
from privbench.report.tables import Cells, Table, comparable_groups, without_empty_columns
from privbench.storage.results import Row

COMPARED_WITH = "none"
"""The defense that others are compared with, unless something else is asked for."""
NOTE = "values less those of {}, with AUC and TPR on records; each 95% interval holds by itself"
AUC, TPR, ACCURACY = "AUC\n[95% CI]", "TPR at 1% FPR\n[95% CI]", "test accuracy\n[95% CI]"


def difference_tables(
    rows: Sequence[Row], differences: Differences, baseline: str = COMPARED_WITH
) -> list[Table]:
    """Return tables of how rows differ from those of ``baseline``, with paired intervals.

    - Of a defense: a line for each other defense. Exposures are those of the attack that decides how
      exposed a defense is: ``auto``, or without it the attack that does best, which is not corrected for
      the choice.
    - Of an attack: a line for each other attack on the same defense with the same knowledge.

    Raises:
        BadInput: no row is of ``baseline``.
    """
    allowed = baselines(rows)
    if rows and baseline not in allowed:
        raise BadInput(f"--baseline {baseline!r} (allowed: {', '.join(allowed)})")
    is_defense = any(row["defense"] == baseline for row in rows)
    lines_of = _lines_of_defenses if is_defense else _lines_of_attacks
    tables = []
    for group in comparable_groups(rows):
        lines = without_empty_columns(lines_of(group, differences, baseline))
        notes = Notes([NOTE.format(baseline), *mark_notes(lines)])
        tables.append(Table.of(group, lines, notes, ()))
    return tables


def baselines(rows: Sequence[Row]) -> list[str]:
    """Return what others can be compared with: the defenses, and the attacks."""
    return list(dict.fromkeys(row[name] for name in ("defense", "attack") for row in rows))


def _lines_of_defenses(rows: Sequence[Row], differences: Differences, baseline: str) -> Cells:
    records = [row for row in rows if row["subset"] == "records"]
    of_measure: dict[str, tuple[Measure, dict[str, Row]]] = {
        AUC: ("auc", exposures(records, "auc")),
        TPR: ("tpr", exposures(records, "tpr")),
        ACCURACY: ("accuracy", first_rows(rows)),
    }
    return [
        {"defense": defense}
        | {
            header: _cell(row_of.get(defense), row_of.get(baseline), measure, differences)
            for header, (measure, row_of) in of_measure.items()
        }
        for defense in dict.fromkeys(row["defense"] for row in rows)
        if defense != baseline
    ]


def _lines_of_attacks(rows: Sequence[Row], differences: Differences, baseline: str) -> Cells:
    records = [row for row in rows if row["subset"] == "records" and row["status"] == "ok"]
    of_baseline = {
        (row["defense"], row["knowledge"]): row for row in records if row["attack"] == baseline
    }
    lines = []
    for row in records:
        other = of_baseline.get((row["defense"], row["knowledge"]))
        if row["attack"] != baseline:
            line = {name: row[name] for name in ("defense", "attack", "knowledge")}
            line[AUC] = _cell(row, other, "auc", differences)
            line[TPR] = _cell(row, other, "tpr", differences)
            lines.append(line)
    return lines


def _cell(first: Row | None, second: Row | None, measure: Measure, differences: Differences) -> str:
    if first is None or second is None:
        return "-"
    found = differences.between(first, second, measure)
    return "-" if found is None else difference_text(found)
