"""The lines of the view ``utility``: accuracy, what it is compared with, and at which exposure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from privbench.report.best import Column, Shown
from privbench.report.canaries import named
from privbench.report.difference_text import difference_text, mark_notes
from privbench.report.differences import Differences
from privbench.report.estimates import accuracy, auc, tpr
from privbench.report.frontier import (
    BASELINE,
    PUBLIC_ONLY,
    exposure_of,
    exposures,
    family,
    first_rows,
    frontier_of,
)
from privbench.report.mixtures import exposure_error, mixture_at
from privbench.report.numbers import interval_text, number, signed
from privbench.storage.results import Row

COMPARED = ("none", PUBLIC_ONLY)
"""Defenses that every other one is compared with: without protection, and without private records."""
BASELINE_NOTE = (
    f"{BASELINE} at this AUC (or TPR): by mixing its rows; of a defense that is more exposed than all of"
    " them, the most accurate row. Intervals include the errors of the exposures"
)
EXPOSURES = {"auc": ("AUC", "AUC"), "tpr": ("canaries\nTPR", "TPR")}
"""The header of each measure of exposure, and its name in other headers."""


TEST, DATA_AUC = "test acc.\n[95% CI]", "data\nAUC"
BEST_OF_UTILITY = (
    Column(TEST, accuracy, larger=True, measure="accuracy"),
    Column(EXPOSURES["auc"][0], auc, larger=False, measure="auc"),
    Column(EXPOSURES["tpr"][0], tpr, larger=False),
    Column(DATA_AUC, auc, larger=False, measure="auc"),
)
"""The columns that have a best line. What canaries of different kinds differ in is not known."""


def utility_rows(rows: Sequence[Row], canaries: Sequence[Row]) -> list[Shown]:
    """Return the rows of the estimates of `utility_lines`, given the same rows."""
    records = [row for row in rows if row["subset"] == "records"]
    of_column = {
        TEST: first_rows(rows),
        EXPOSURES["auc"][0]: exposures(records, "auc"),
        EXPOSURES["tpr"][0]: exposures(canaries, "tpr"),
        DATA_AUC: exposures(records, "auc", data=True),
    }
    return [
        {header: row_of.get(defense) for header, row_of in of_column.items()}
        for defense in of_column[TEST]
    ]


def utility_lines(
    rows: Sequence[Row], canaries: Sequence[Row], differences: Differences
) -> list[dict[str, str]]:
    """Return a line per defense, the text of each cell by its header.

    Args:
        rows: all rows of one (benchmark, dataset, model, seed).
        canaries: the rows about canaries, one for each attack: those of the worst kind.
        differences: says how well differences of accuracies are known.
    """
    records = [row for row in rows if row["subset"] == "records"]
    exposed = {"auc": exposures(records, "auc"), "tpr": exposures(canaries, "tpr")}
    exposed_data = exposures(records, "auc", data=True)
    first = first_rows(rows)
    lines = []
    for defense, row in first.items():
        line = {
            "defense": defense,
            TEST: interval_text(row["test_accuracy"], row["test_accuracy_ci"]),
            "balanced\nacc.": _number_or_dash(row["test_balanced_accuracy"]),
        }
        for name in COMPARED:
            other = first.get(name)
            mixture = [] if other is None or other is row else [(other, 1.0)]
            line[f"minus\n{name}"] = _text(row, mixture, differences)
        for measure, strongest in exposed.items():
            header, name = EXPOSURES[measure]
            value = exposure_of(strongest[defense], measure) if defense in strongest else None
            line[header] = named(_number_or_dash(value), strongest.get(defense))
            mixture, error = [], 0.0
            if value is not None and family(defense) not in (BASELINE, PUBLIC_ONLY):
                frontier = frontier_of(strongest, measure)
                mixture = mixture_at(frontier, strongest, measure, value)
                error = exposure_error(frontier, mixture, strongest[defense], measure)
            line[f"{BASELINE} at\nthis {name}"] = _number_or_dash(
                sum(w * other["test_accuracy"] for other, w in mixture) if mixture else None
            )
            text = _text(row, mixture, differences, error)
            line[f"minus {BASELINE}\nat this {name}"] = text
        line[DATA_AUC] = _number_or_dash(exposed_data.get(defense, {}).get("auc"))
        for column in ("column_fidelity", "pairwise_fidelity"):
            line[column.replace("_", "\n")] = _number_or_dash(row[column])
        lines.append(line)
    return lines


def utility_notes(rows: Sequence[Row], lines: Sequence[dict[str, str]]) -> list[str]:
    """Return the notes below the lines: the trivial classifier, and what a sign stands for."""
    notes = []
    first = first_rows(rows)
    majority = next((r["majority_accuracy"] for r in first.values()), None)
    if majority is not None:
        others = not_above_majority(rows)
        failed = f"; not above it (95%, paired): {', '.join(others)}" if others else ""
        notes.append(
            f"always predicting the most frequent class has a test accuracy of {number(majority)}"
            f"{failed}"
        )
    exposed = [line for line in lines if line.get(f"{BASELINE} at\nthis AUC", "-") != "-"]
    if exposed:
        notes.append(BASELINE_NOTE)
    return [*notes, *mark_notes(list(lines))]


def not_above_majority(rows: Sequence[Row]) -> list[str]:
    """Return the defenses that are no better than always predicting the most frequent class."""
    return [
        defense
        for defense, row in first_rows(rows).items()
        if row["majority_difference_ci"] is not None and row["majority_difference_ci"][0] <= 0
    ]


def summary_notes(rows: Sequence[Row], differences: Differences) -> list[str]:
    """Return what a reader of accuracies has to know: which are equal, and which are worth nothing."""
    trivial = not_above_majority(rows)
    worthless = (
        "no better than always predicting the most frequent class (95%, paired):"
        f" {', '.join(trivial)}"
    )
    note = indistinct_note(rows, differences)
    return [*([worthless] if trivial else []), *([note] if note else [])]


def indistinct_note(rows: Sequence[Row], differences: Differences) -> str:
    """Return which neighbours in the order of test accuracy cannot be told apart; empty if all can."""
    ranked = sorted(first_rows(rows).items(), key=lambda item: -item[1]["test_accuracy"])
    pairs = []
    for (better, row), (worse, other) in pairwise(ranked):
        found = differences.between(row, other, "accuracy")
        if found is not None and found.paired and not found.is_distinct:
            pairs.append(f"{better} and {worse}")
    if not pairs:
        return ""
    return "neighbours in test accuracy that cannot be told apart (95%, paired): " + "; ".join(
        pairs
    )


def _text(
    row: Row, mixture: list[tuple[Row, float]], differences: Differences, error: float = 0.0
) -> str:
    """Return the difference of the accuracies of a row and a mixture, and its interval.

    ``error`` is half of a further 95% interval, of what the mixture should be.
    """
    if not mixture:
        return "-"
    found = differences.to_mixture(row, mixture)
    if found is None:
        mixed = sum(weight * other["test_accuracy"] for other, weight in mixture)
        return signed(row["test_accuracy"] - mixed)
    return difference_text(found, error)


def _number_or_dash(value: float | None) -> str:
    return "-" if value is None else number(value)
