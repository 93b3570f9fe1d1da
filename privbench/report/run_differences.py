"""What differs between two runs: settings, versions, and rows with their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from privbench.metrics.differences import Difference
from privbench.report.differences import Differences, Errors, Measure
from privbench.report.frontier import exposure_of, interval_of
from privbench.storage.results import Row, Run

TRIAL = (
    "dataset", "defense", "model", "attack", "observes", "knowledge", "subset", "canary_kind", "seed"
)  # fmt: skip
"""The columns by which rows of two runs are matched."""
DRAWN = ("n_models", "n_members", "n_nonmembers", "n_reference", "n_public")
"""Columns that are the same if two rows have the same members in the same pool."""


@dataclass(frozen=True)
class Change:
    """A value that two runs do not have in common; None if a run has none."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Number:
    """A number of a row that differs between two runs."""

    measure: Measure
    first: float | None
    first_ci: Sequence[float] | None
    second: float | None
    second_ci: Sequence[float] | None
    difference: Difference | None
    """The second less the first; None if one of both has no value or no interval."""

    def to_json(self) -> dict[str, Any]:
        """Return the number as JSON values."""
        d = self.difference
        return {
            "measure": self.measure,
            "first": self.first,
            "first_ci": None if self.first_ci is None else list(self.first_ci),
            "second": self.second,
            "second_ci": None if self.second_ci is None else list(self.second_ci),
            "difference": None if d is None else d.value,
            "difference_ci": None if d is None else list(d.interval),
            "covers_0": None if d is None else not d.is_distinct,
            "paired": None if d is None else d.paired,
        }


@dataclass(frozen=True)
class Changed:
    """A row that both runs have, with other numbers or another status."""

    row: Row
    status: tuple[str, str]
    numbers: list[Number]


@dataclass(frozen=True)
class RunDifferences:
    """What differs between two runs."""

    settings: list[Change]
    versions: list[Change]
    changed: list[Changed]
    n_same: int
    """Rows that both runs have, with the same numbers."""
    only_first: list[Row]
    only_second: list[Row]
    numbers: list[Number] = field(init=False)
    """All numbers of the rows that changed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", [n for one in self.changed for n in one.numbers])


def compare(first: Run, second: Run, errors: Errors) -> RunDifferences:
    """Compare two runs.

    Args:
        first: a run.
        second: another run; differences are its numbers less those of the first.
        errors: says how well differences between rows are known. It is asked only about rows whose
            members and pool are the same.
    """
    differences = Differences(lambda a, b, m: errors(a, b, m) if _same_draws(a, b) else None)
    in_first, in_second = ({_trial(row): row for row in run.rows} for run in (first, second))
    both = [(row, in_second[key]) for key, row in in_first.items() if key in in_second]
    of_models: set[tuple[Any, ...]] = set()
    changed = [_changed(a, b, differences, of_models) for a, b in both]
    real = [one for one in changed if one.numbers or one.status[0] != one.status[1]]
    return RunDifferences(
        settings=list(_changes("", _settings(first), _settings(second))),
        versions=list(_changes("", first.environment, second.environment)),
        changed=real,
        n_same=len(both) - len(real),
        only_first=[row for key, row in in_first.items() if key not in in_second],
        only_second=[row for key, row in in_second.items() if key not in in_first],
    )


def _settings(run: Run) -> dict[str, Any]:
    return {"benchmark": run.benchmark, "remark": run.remark, **(run.configuration or {})}


def _changes(key: str, first: Any, second: Any) -> Iterator[Change]:
    """Yield the values that differ, by keys such as ``models.mlp.params.epochs``."""
    first, second = _by_label(first), _by_label(second)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in dict.fromkeys([*first, *second]):
            path = f"{key}.{name}" if key else str(name)
            yield from _changes(path, first.get(name), second.get(name))
    elif first != second:
        yield Change(key, first, second)


def _by_label(value: Any) -> Any:
    """Return a list of components as a mapping, so that one more does not shift all others."""
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        names = [str(v.get("label", v.get("name", i))) for i, v in enumerate(value)]
        if len(set(names)) == len(names):
            return dict(zip(names, value, strict=True))
    return value


def _trial(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in TRIAL)


def _same_draws(first: Row, second: Row) -> bool:
    return all(first[name] == second[name] for name in DRAWN)


def _changed(
    first: Row, second: Row, differences: Differences, of_models: set[tuple[Any, ...]]
) -> Changed:
    """Return what changed in a row; accuracies, which attacks share, are with the first attack only."""
    measures: list[Measure] = ["auc", "tpr"]
    models = tuple(first[name] for name in ("dataset", "defense", "model", "seed"))
    if first["status"] == second["status"] == "ok" and models not in of_models:
        of_models.add(models)
        measures.append("accuracy")
    numbers = [_number(first, second, measure, differences) for measure in measures]
    different = [n for n in numbers if (n.first, n.first_ci) != (n.second, n.second_ci)]
    return Changed(first, (first["status"], second["status"]), different)


def _number(first: Row, second: Row, measure: Measure, differences: Differences) -> Number:
    (a, a_ci), (b, b_ci) = _value(first, measure), _value(second, measure)
    known = a is not None and b is not None
    difference = differences.between(second, first, measure) if known else None
    return Number(measure, a, a_ci, b, b_ci, difference)


def _value(row: Row, measure: Measure) -> tuple[float | None, Sequence[float] | None]:
    if row["status"] != "ok":
        return None, None
    if measure == "accuracy":
        return row["test_accuracy"], row["test_accuracy_ci"]
    return exposure_of(row, measure), interval_of(row, measure)
