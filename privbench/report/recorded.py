"""How well differences between rows are known, as the file of a run holds it.

What pairs two rows are arrays of a number per (model, record), which are too large for a file that
people read. All that views ask of them is the standard error of the difference of two rows. So the file
has the answer to every such question, as a list

    [measure, first, second, standard error, degrees of freedom]

whose rows are numbered from 0. Its answers are those of the artifacts, digit by digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from privbench.metrics.differences import Error
from privbench.report.difference_view import baselines, difference_tables
from privbench.report.differences import Differences, Errors, Measure
from privbench.report.seeds import combine_seeds
from privbench.report.views import VIEWS
from privbench.storage.results import Row

MEASURES: tuple[Measure, ...] = get_args(Measure)
Key = tuple[Measure, str, str]
"""A measure, and the keys of the artifacts of two rows, sorted."""


def recorded_lines(rows: Sequence[Row], errors: Errors) -> list[list[Any]]:
    """Return the answers to all questions that views ask about rows, with anything as the baseline."""
    answers: dict[Key, Error] = {}
    asked: set[Key] = set()

    def recording(first: Row, second: Row, measure: Measure) -> Error | None:
        key = _key(first, second, measure)
        if key is None:
            return None
        if key not in asked:
            asked.add(key)
            answer = errors(first, second, measure)
            if answer is not None:
                answers[key] = answer
        return answers.get(key)

    differences = Differences(recording)
    combined = combine_seeds(rows)
    for view in VIEWS.values():
        view(combined, differences)
    for baseline in baselines(combined):
        difference_tables(combined, differences, baseline)
    position = _positions(rows)
    lines = [
        [measure, *sorted((position[measure, first], position[measure, second])), *answer]
        for (measure, first, second), answer in answers.items()
    ]
    return sorted(lines)


def recorded_in(rows: Sequence[Row], lines: Sequence[Sequence[Any]]) -> Errors:
    """Return what answers as the lines of a file say, about the rows of the file.

    Raises:
        ValueError: a line is not of the form that this module describes.
    """
    answers: dict[Key, Error] = {}
    for line in lines:
        measure, first, second, error, degrees = line
        if measure not in MEASURES:
            raise ValueError(f"differences: measure {measure!r} (allowed: {', '.join(MEASURES)})")
        key = _key(rows[first], rows[second], measure)
        if key is None:
            raise ValueError(f"differences: {line}: a row has no key of its artifact")
        answers[key] = (float(error), int(degrees))

    def errors(first: Row, second: Row, measure: Measure) -> Error | None:
        key = _key(first, second, measure)
        return None if key is None else answers.get(key)

    return errors


def _key(first: Row, second: Row, measure: Measure) -> Key | None:
    """Return what identifies a question; None if it is not stored what a row is made of."""
    column = _column(measure)
    if first[column] is None or second[column] is None:
        return None
    low, high = sorted((str(first[column]), str(second[column])))
    return measure, low, high


def _positions(rows: Sequence[Row]) -> dict[tuple[Measure, str], int]:
    """Return the first row with each key of an artifact."""
    positions: dict[tuple[Measure, str], int] = {}
    for measure in MEASURES:
        for position, row in enumerate(rows):
            positions.setdefault((measure, row[_column(measure)]), position)
    return positions


def _column(measure: Measure) -> str:
    return "utility_key" if measure == "accuracy" else "metrics_key"
