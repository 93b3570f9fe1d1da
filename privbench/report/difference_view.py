"""The view ``differences``: each defense less another one."""

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
"""The defense that others are compared with, unless another one is asked for."""
NOTE = "each defense less {}, at the AUC and the TPR on records; 95% intervals, each on its own"


def difference_tables(
    rows: Sequence[Row], differences: Differences, baseline: str = COMPARED_WITH
) -> list[Table]:
    """Return tables with a line per defense: how it differs from ``baseline``, with paired intervals.

    Exposures are those of the attack that decides how exposed a defense is: ``auto``, or without it the
    attack that does best, which is not corrected for the choice.

    Raises:
        BadInput: no row is of ``baseline``.
    """
    defenses = list(dict.fromkeys(row["defense"] for row in rows))
    if rows and baseline not in defenses:
        raise BadInput(f"--baseline {baseline!r} (allowed: {', '.join(defenses)})")
    tables = []
    for group in comparable_groups(rows):
        lines = without_empty_columns(_lines(group, differences, baseline))
        notes = Notes([NOTE.format(baseline), *mark_notes(lines)])
        tables.append(Table.of(group, lines, notes, ()))
    return tables


def _lines(rows: Sequence[Row], differences: Differences, baseline: str) -> Cells:
    records = [row for row in rows if row["subset"] == "records"]
    of_measure: dict[str, tuple[Measure, dict[str, Row]]] = {
        "AUC\n[95% CI]": ("auc", exposures(records, "auc")),
        "TPR at 1% FPR\n[95% CI]": ("tpr", exposures(records, "tpr")),
        "test accuracy\n[95% CI]": ("accuracy", first_rows(rows)),
    }
    lines = []
    for defense in dict.fromkeys(row["defense"] for row in rows if row["defense"] != baseline):
        line = {"defense": defense}
        for header, (measure, row_of) in of_measure.items():
            line[header] = "-"
            if defense in row_of and baseline in row_of:
                found = differences.between(row_of[defense], row_of[baseline], measure)
                line[header] = "-" if found is None else difference_text(found)
        lines.append(line)
    return lines
