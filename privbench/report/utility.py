"""The lines of the view ``utility``: accuracy, what it is compared with, and at which exposure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from privbench.report.canaries import named
from privbench.report.frontier import (
    BASELINE,
    PUBLIC_ONLY,
    exposure_of,
    exposures,
    family,
    frontier_of,
)
from privbench.report.numbers import interval_text, number, signed_interval_text
from privbench.report.paired import (
    Correct,
    difference,
    difference_to_mixture,
    exposure_error,
    mixture_at,
    unpaired,
)
from privbench.storage.results import Row

COMPARED = ("none", PUBLIC_ONLY)
"""Defenses that every other one is compared with: without protection, and without private records."""
SIGN = "≈"
SIGN_NOTE = (
    f"{SIGN}: the 95% interval of the difference contains 0, so the two cannot be told apart"
)
BASELINE_NOTE = (
    f"{BASELINE} at this AUC (or TPR): by mixing its rows; of a defense that is more exposed than all of"
    " them, the most accurate row. Intervals include the errors of the exposures"
)
UNPAIRED = "†"
UNPAIRED_NOTE = (
    f"{UNPAIRED}: unpaired, so wider than need be, since what the models predict is not stored here"
)
EXPOSURES = {"auc": ("AUC", "AUC"), "tpr": ("canaries\nTPR", "TPR")}
"""The header of each measure of exposure, and its name in other headers."""


def utility_lines(
    rows: Sequence[Row], canaries: Sequence[Row], correct: Correct
) -> list[dict[str, str]]:
    """Return a line per defense, the text of each cell by its header.

    Args:
        rows: all rows of one (benchmark, dataset, model, seed).
        canaries: the rows about canaries, one for each attack: those of the worst kind.
        correct: says which test records the models of a row predict correctly.
    """
    records = [row for row in rows if row["subset"] == "records"]
    exposed = {"auc": exposures(records, "auc"), "tpr": exposures(canaries, "tpr")}
    exposed_data = exposures(records, "auc", data=True)
    first = _first_rows(rows)
    lines = []
    for defense, row in first.items():
        line = {
            "defense": defense,
            "test acc.\n[95% CI]": interval_text(row["test_accuracy"], row["test_accuracy_ci"]),
            "balanced\nacc.": _number_or_dash(row["test_balanced_accuracy"]),
        }
        for name in COMPARED:
            other = first.get(name)
            mixture = [] if other is None or other is row else [(other, 1.0)]
            line[f"minus\n{name}"] = _difference_text(row, mixture, correct)
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
            difference_text = _difference_text(row, mixture, correct, error)
            line[f"minus {BASELINE}\nat this {name}"] = difference_text
        line["data\nAUC"] = _number_or_dash(exposed_data.get(defense, {}).get("auc"))
        for column in ("column_fidelity", "pairwise_fidelity"):
            line[column.replace("_", "\n")] = _number_or_dash(row[column])
        lines.append(line)
    return lines


def utility_notes(rows: Sequence[Row], lines: Sequence[dict[str, str]]) -> list[str]:
    """Return the notes below the lines: the trivial classifier, and what a sign stands for."""
    notes = []
    first = _first_rows(rows)
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
    if any(text.startswith(SIGN) for line in lines for text in line.values()):
        notes.append(SIGN_NOTE)
    if any(text.endswith(UNPAIRED) for line in lines for text in line.values()):
        notes.append(UNPAIRED_NOTE)
    return notes


def not_above_majority(rows: Sequence[Row]) -> list[str]:
    """Return the defenses that are no better than always predicting the most frequent class."""
    return [
        defense
        for defense, row in _first_rows(rows).items()
        if row["majority_difference_ci"] is not None and row["majority_difference_ci"][0] <= 0
    ]


def summary_notes(rows: Sequence[Row], correct: Correct) -> list[str]:
    """Return what a reader of accuracies has to know: which are equal, and which are worth nothing."""
    trivial = not_above_majority(rows)
    worthless = (
        "no better than always predicting the most frequent class (95%, paired):"
        f" {', '.join(trivial)}"
    )
    note = indistinct_note(rows, correct)
    return [*([worthless] if trivial else []), *([note] if note else [])]


def indistinct_note(rows: Sequence[Row], correct: Correct) -> str:
    """Return which neighbours in the order of test accuracy cannot be told apart; empty if all can."""
    ranked = sorted(_first_rows(rows).items(), key=lambda item: -item[1]["test_accuracy"])
    pairs = []
    for (better, row), (worse, other) in pairwise(ranked):
        interval = difference(row, other, correct)[1]
        if interval is not None and interval[0] <= 0:
            pairs.append(f"{better} and {worse}")
    if not pairs:
        return ""
    return "neighbours in test accuracy that cannot be told apart (95%, paired): " + "; ".join(
        pairs
    )


def _first_rows(rows: Sequence[Row]) -> dict[str, Row]:
    """Return a row that is ok for each defense, in their order; accuracies are equal in all."""
    ok = [row for row in rows if row["status"] == "ok"]
    first: dict[str, Row] = {}
    for row in ok:
        first.setdefault(row["defense"], row)
    return first


def _difference_text(
    row: Row, mixture: list[tuple[Row, float]], correct: Correct, error: float = 0.0
) -> str:
    """Return the difference of a row and a mixture, and its interval.

    ``error`` is half of a further 95% interval, of what the mixture should be.
    """
    if not mixture:
        return "-"
    estimate, paired = difference_to_mixture(row, mixture, correct)
    interval = paired or unpaired(row, mixture)
    if interval:
        low, high = (float(np.hypot(estimate - end, error)) for end in interval)
        interval = (estimate - low, estimate + high)
    text = signed_interval_text(estimate, interval)
    if interval and not paired:
        text += UNPAIRED
    return f"{SIGN} {text}" if interval and interval[0] <= 0 <= interval[1] else text


def _number_or_dash(value: float | None) -> str:
    return "-" if value is None else number(value)
