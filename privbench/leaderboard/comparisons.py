"""What the page that compares two defenses needs of all pairs of a board."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from privbench.leaderboard.board import Board, Entry, Number
from privbench.leaderboard.pictures import curve_of, path_of
from privbench.report.differences import Differences, Measure
from privbench.report.numbers import interval_text

MEASURES: tuple[Measure, ...] = ("accuracy", "auc", "tpr")


def comparison_data(board: Board) -> dict[str, Any]:
    """Return the values of all defenses of a board, and the differences of all pairs, as JSON values.

    A difference is ``[first less second, low, high, paired]``, by ``measure`` and the places of both in
    ``entries``, such as ``"0-3"``. It is missing where it is not known.
    """
    entries = [entry for entry in board.entries if entry.ranked_by]
    differences: Differences = board.differences
    pairs: dict[str, dict[str, list[float | bool]]] = {measure: {} for measure in MEASURES}
    for (i, first), (j, second) in combinations(enumerate(entries), 2):
        assert first.ranked_by is not None
        assert second.ranked_by is not None
        for measure in MEASURES:
            found = differences.between(first.ranked_by.row, second.ranked_by.row, measure)
            if found is not None:
                numbers = [round(value, 5) for value in (found.value, *found.interval)]
                pairs[measure][f"{i}-{j}"] = [*numbers, found.paired]
    return {"entries": [_values(entry) for entry in entries], "pairs": pairs}


def differences_from(
    data: dict[str, Any], base: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each other entry of `comparison_data` with its differences from one of them, by measure."""
    rows = []
    for i, entry in enumerate(data["entries"]):
        if i == base:
            continue
        known = {
            measure: pairs.get(f"{min(i, base)}-{max(i, base)}")
            for measure, pairs in data["pairs"].items()
        }
        rows.append(
            (
                entry,
                {
                    m: pair if i < base or pair is None else _reversed(pair)
                    for m, pair in known.items()
                },
            )
        )
    return rows


def _reversed(pair: list[Any]) -> list[Any]:
    value, low, high, paired = pair
    return [-value, -high, -low, paired]


def _values(entry: Entry) -> dict[str, Any]:
    assert entry.ranked_by is not None
    curve = curve_of(entry, entry.ranked_by)
    return {
        "slug": entry.slug,
        "name": entry.defense,
        "accuracy": _rounded(entry.accuracy),
        "auc": _rounded(entry.ranked_by.auc),
        "tpr": _rounded(entry.ranked_by.tpr_at_1),
        "facts": {"canaries": _canaries(entry), "claim": entry.claim, "verdict": entry.verdict},
        "curve": "" if curve is None else path_of(curve),
    }


def _canaries(entry: Entry) -> str:
    """Return how many of the most exposed canaries are found, and of which kind they are."""
    worst = entry.canaries
    if worst is None or worst.tpr_at_1 is None:
        return ""
    rate = worst.tpr_at_1
    return f"{interval_text(rate.value, rate.interval)} {worst.canary_kind}"


def _rounded(number: Number | None) -> list[float | None]:
    if number is None:
        return [None, None, None]
    return [
        None if value is None else round(value, 5)
        for value in (number.value, number.low, number.high)
    ]
