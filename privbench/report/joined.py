"""Runs of one benchmark with different seeds, as one run, wherever and whenever each was made.

Rows of a seed do not depend on other seeds, so that a joined run has the rows of one run with all
seeds; verdicts are corrected for the number of claims of all of them. A file knows the errors of the
differences that its own tables show. A table of several seeds may compare others, where the strongest
attack over the seeds is not that of each of them; such a difference is unpaired, its interval too wide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from privbench.config.sweeps import value_text
from privbench.errors import BadInput
from privbench.privacy.verdict import with_verdicts
from privbench.report.curves import RocBand
from privbench.report.differences import Differences, first_known
from privbench.report.document import Document
from privbench.storage.results import Row, Run


def join_seeds(documents: Mapping[str, Document]) -> Document:
    """Return runs of one benchmark with different seeds as one run.

    Its seconds are their sum. Facts of their environments that differ, such as commits, are all listed.

    Args:
        documents: the runs, by what the user calls them. One alone is returned as it is.

    Raises:
        BadInput: one is not complete, they are of different benchmarks, differ in more than their
            seeds, or two have the same seed.
    """
    if len(documents) == 1:
        return next(iter(documents.values()))
    _check(documents)
    runs = sorted((d.run for d in documents.values()), key=lambda run: min(_seeds(run)))
    configuration = dict(runs[0].configuration or {})
    configuration["seeds"] = [seed for run in runs for seed in _seeds(run)]
    seconds = [run.seconds for run in runs if run.seconds is not None]
    run = Run(
        benchmark=runs[0].benchmark,
        remark=_remark(runs[0].remark, configuration["seeds"]),
        started_at=min(run.started_at for run in runs),
        finished_at=max(run.finished_at or "" for run in runs),
        seconds=sum(seconds) if len(seconds) == len(runs) else None,
        environment=_all_of([run.environment for run in runs]),
        configuration=configuration,
        rows=with_verdicts(_in_order([row for run in runs for row in run.rows])),
    )
    errors = first_known([document.differences.errors for document in documents.values()])

    def curve(row: Row) -> RocBand | None:
        bands = (document.curves(row) for document in documents.values())
        return next((band for band in bands if band is not None), None)

    return Document(run, Differences(errors), curve)


def _check(documents: Mapping[str, Document]) -> None:
    names = list(documents)
    first = documents[names[0]].run
    seed_of: dict[int, str] = {}
    for name, document in documents.items():
        run = document.run
        if run.finished_at is None:
            raise BadInput(f"{name}: the run is not complete; run it to the end first")
        if run.benchmark != first.benchmark:
            raise BadInput(
                f"{name}: benchmark {run.benchmark!r} (allowed: {first.benchmark!r}, as in {names[0]})"
            )
        if run.configuration is None or first.configuration is None:
            raise BadInput(
                f"{name}: a run of an old version, which did not record its configuration"
            )
        keys = sorted(
            key
            for key in {*run.configuration, *first.configuration} - {"seeds"}
            if run.configuration.get(key) != first.configuration.get(key)
        )
        if keys or _remark(run.remark, []) != _remark(first.remark, []):
            what = f"other {', '.join(keys)}" if keys else f"{run.remark!r}"
            raise BadInput(f"{name}: {what} than {names[0]} (allowed: other seeds)")
        for seed in _seeds(run):
            if seed in seed_of:
                raise BadInput(
                    f"{name}: seed {seed} is in {seed_of[seed]}, too (allowed: another seed)"
                )
            seed_of[seed] = name


def _seeds(run: Run) -> list[int]:
    seeds: list[int] = list((run.configuration or {})["seeds"])
    return seeds


def _remark(remark: str, seeds: list[int]) -> str:
    """Return a remark with other seeds; without seeds if there are none."""
    kept = re.sub(r"(^|, )seeds=\[[^\]]*\]", "", remark).removeprefix(", ")
    return ", ".join(filter(None, [kept, f"seeds={value_text(seeds)}" if seeds else ""]))


def _in_order(rows: list[Row]) -> list[Row]:
    """Return rows in the order of one plan: by dataset, then by seed."""
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    return sorted(rows, key=lambda row: datasets.index(row["dataset"]))


def _all_of(values: list[Any]) -> Any:
    """Return what values have in common, and where they differ all of them, as text.

    What is not known of one is not known of all: None.

    >>> _all_of([{"commit": "a", "clean": True, "cpus": 2}, {"commit": "b", "clean": False, "cpus": 2}])
    {'commit': 'a, b', 'clean': False, 'cpus': 2}
    """
    first = values[0]
    if all(value == first for value in values):
        return first
    if None in values:
        return None
    if all(isinstance(value, Mapping) for value in values):
        keys = dict.fromkeys(key for value in values for key in value)
        return {key: _all_of([value.get(key) for value in values]) for key in keys}
    if all(isinstance(value, list) for value in values):
        return list(dict.fromkeys(item for value in values for item in value))
    if all(isinstance(value, bool) for value in values):
        return all(values)
    return ", ".join(dict.fromkeys(map(str, values)))
