"""Differences as JSON, so that tables can be made without the artifacts behind the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from privbench.metrics.differences import Error
from privbench.report.differences import Errors, Measure, nothing_stored
from privbench.report.frontier import exposures, first_rows, on_data
from privbench.report.seeds import combine_seeds, parts_of
from privbench.report.tables import comparable_groups
from privbench.storage.results import Row

KEY_COLUMN: dict[Measure, str] = {
    "auc": "metrics_key",
    "tpr": "metrics_key",
    "accuracy": "utility_key",
}
"""The column that says which influences a difference is made of."""
DIGITS = 4


def differences_json(rows: Sequence[Row], errors: Errors) -> dict[str, Any]:
    """Return the standard errors of the differences that views and sentences of the docs need.

    For each seed of a comparable group:

    - between all pairs of defenses: test accuracy, and of the rows that decide how exposed they are (see
      `exposures`) the AUC and the TPR at 1% FPR on records, and the TPR on each kind of canaries;
    - between all pairs of adaptive attacks on the model of one defense: AUC and TPR on records.

    Args:
        rows: rows of results, each of one seed, as a run gives them.
        errors: what `differences.stored_in` returns.

    Returns:
        ``keys``, a list of digests (`KEY_COLUMN`), and for each measure a list of pairs
        ``[first, second, error, degrees]``, where the first two are places in ``keys``.
    """
    places: dict[str, int] = {}
    found: dict[str, list[list[Any]]] = {measure: [] for measure in KEY_COLUMN}
    known: set[tuple[str, str, str]] = set()
    for first, second, measure in _pairs(rows):
        keys = first[KEY_COLUMN[measure]], second[KEY_COLUMN[measure]]
        if None in keys or (*sorted(keys), measure) in known:
            continue
        error = errors(first, second, measure)
        if error is None:
            continue
        known.add((*sorted(keys), measure))
        ends = [places.setdefault(key, len(places)) for key in keys]
        found[measure].append([*ends, float(f"{error[0]:.{DIGITS}g}"), error[1]])
    return {"keys": list(places), **found}


def read_differences(content: Mapping[str, Any]) -> Errors:
    """Return what reads the differences that `differences_json` returned."""
    if not content:
        return nothing_stored
    keys = content["keys"]
    known: dict[tuple[str, str, str], Error] = {}
    for measure in KEY_COLUMN:
        for first, second, *error in content[measure]:
            known[keys[first], keys[second], measure] = (error[0], error[1])
            known[keys[second], keys[first], measure] = (error[0], error[1])

    def stored_error(first: Row, second: Row, measure: Measure) -> Error | None:
        keys = first[KEY_COLUMN[measure]], second[KEY_COLUMN[measure]]
        if keys[0] is not None and keys[0] == keys[1]:
            return 0.0, first["n_models"] - 1
        return known.get((*keys, measure))

    return stored_error


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, Row, Measure]]:
    """Yield the pairs of rows of one seed that `differences_json` describes."""
    ok = [row for row in combine_seeds(rows) if row["status"] == "ok"]
    for group in comparable_groups(ok):
        for first, second, measure in _pairs_of_group(group):
            parts, others = parts_of(first), parts_of(second)
            for seed in parts.keys() & others.keys():
                yield parts[seed], others[seed], measure


def _pairs_of_group(rows: Sequence[Row]) -> Iterator[tuple[Row, Row, Measure]]:
    for first, second in combinations(first_rows(rows).values(), 2):
        yield first, second, "accuracy"
    records = [row for row in rows if row["subset"] == "records"]
    exposed: tuple[tuple[Sequence[Row], Measure], ...] = (
        (records, "auc"),
        (records, "tpr"),
        *(([row for row in rows if row["canary_kind"] == kind], "tpr") for kind in _kinds(rows)),
    )
    for of_subset, measure in exposed:
        for first, second in combinations(exposures(of_subset, measure).values(), 2):
            yield first, second, measure
    adaptive = [r for r in records if r["knowledge"] == "adaptive" and not on_data(r)]
    for defense in dict.fromkeys(row["defense"] for row in adaptive):
        of_defense = [row for row in adaptive if row["defense"] == defense]
        for first, second in combinations(of_defense, 2):
            yield first, second, "auc"
            yield first, second, "tpr"


def _kinds(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["canary_kind"] for row in rows if row["canary_kind"]))
