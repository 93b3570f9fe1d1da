"""The view ``differences``: each defense less another one, or each attack less another one."""

from __future__ import annotations

from collections.abc import Sequence

from privbench.components.messages import near
from privbench.errors import BadInput
from privbench.report.best import Column, best_lines
from privbench.report.difference_text import difference_text, mark_notes
from privbench.report.differences import Differences
from privbench.report.estimates import accuracy, auc, tpr
from privbench.report.frontier import exposures, first_rows, only_on_data
from privbench.report.notes import Notes
from privbench.report.tables import Table, comparable_groups, without_empty_columns
from privbench.storage.results import Row

COMPARED_WITH = "none"
"""The defense that others are compared with by default; where it is missing, the first one is."""
NOTE = "values less those of {}, with AUC and TPR on records; each 95% interval holds by itself"
Pairs = tuple[dict[str, str], dict[str, tuple[Row, Row]]]
"""What a line is about, and the two rows that each of its cells compares, by header."""
AUC, TPR, ACCURACY = "AUC\n[95% CI]", "TPR at 1% FPR\n[95% CI]", "test accuracy\n[95% CI]"


BEST_DEFENSES = (
    Column(AUC, auc, larger=False, measure="auc"),
    Column(TPR, tpr, larger=False, measure="tpr"),
    Column(ACCURACY, accuracy, larger=True, measure="accuracy"),
)
BEST_ATTACKS = (
    Column(AUC, auc, larger=True, measure="auc"),
    Column(TPR, tpr, larger=True, measure="tpr"),
)


def difference_tables(
    rows: Sequence[Row], differences: Differences, baseline: str | None = None
) -> list[Table]:
    """Return tables of how rows differ from those of ``baseline``, with paired intervals.

    By default the baseline is the defense ``none``, or without it the first one.

    - Of a defense: a line for each other defense. Exposures are those of the attack that decides how
      exposed a defense is: ``auto``, or without it the attack that does best, which is not corrected for
      the choice.
    - Of an attack: a line for each other attack on the same defense with the same knowledge.

    Raises:
        BadInput: no row is of ``baseline``.
    """
    allowed = baselines(rows)
    if baseline is None:
        baseline = COMPARED_WITH if COMPARED_WITH in allowed or not rows else allowed[0]
    elif rows and baseline not in allowed:
        hint = near(baseline, allowed)
        raise BadInput(f"--baseline {baseline!r}{hint} (allowed: {', '.join(allowed)})")
    is_defense = any(row["defense"] == baseline for row in rows)
    pairs_of = _pairs_of_defenses if is_defense else _pairs_of_attacks
    columns = BEST_DEFENSES if is_defense else BEST_ATTACKS
    tables = []
    for group in comparable_groups(rows):
        pairs = pairs_of(group, baseline)
        lines = [
            label | {c.header: _cell(rows_of.get(c.header), c, differences) for c in columns}
            for label, rows_of in pairs
        ]
        shown = [{header: first for header, (first, _) in rows_of.items()} for _, rows_of in pairs]
        # Attacks are compared on the same defense and with the same knowledge.
        blocks = [
            () if is_defense else (label["defense"], label["knowledge"]) for label, _ in pairs
        ]
        best = best_lines(columns, shown, differences, blocks)
        lines = without_empty_columns(lines)
        notes = Notes([NOTE.format(baseline), *mark_notes(lines)])
        tables.append(Table.of(group, lines, notes, (), best))
    return tables


def baselines(rows: Sequence[Row]) -> list[str]:
    """Return what others can be compared with: the defenses, and the attacks."""
    return list(dict.fromkeys(row[name] for name in ("defense", "attack") for row in rows))


def _pairs_of_defenses(rows: Sequence[Row], baseline: str) -> list[Pairs]:
    records = [row for row in rows if row["subset"] == "records"]
    data = only_on_data(records)
    row_of = {
        AUC: exposures(records, "auc", data=data),
        TPR: exposures(records, "tpr", data=data),
        ACCURACY: first_rows(rows),
    }
    return [
        (
            {"defense": defense},
            {
                header: (of_defense[defense], of_defense[baseline])
                for header, of_defense in row_of.items()
                if defense in of_defense and baseline in of_defense
            },
        )
        for defense in dict.fromkeys(row["defense"] for row in rows)
        if defense != baseline
    ]


def _pairs_of_attacks(rows: Sequence[Row], baseline: str) -> list[Pairs]:
    records = [row for row in rows if row["subset"] == "records" and row["status"] == "ok"]
    of_baseline = {
        (row["defense"], row["knowledge"]): row for row in records if row["attack"] == baseline
    }
    pairs: list[Pairs] = []
    for row in records:
        other = of_baseline.get((row["defense"], row["knowledge"]))
        if row["attack"] != baseline:
            label = {name: row[name] for name in ("defense", "attack", "knowledge")}
            both = {} if other is None else {AUC: (row, other), TPR: (row, other)}
            pairs.append((label, both))
    return pairs


def _cell(pair: tuple[Row, Row] | None, column: Column, differences: Differences) -> str:
    if pair is None or column.measure is None:
        return "-"
    found = differences.between(*pair, column.measure)
    return "-" if found is None else difference_text(found)
