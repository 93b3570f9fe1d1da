"""``privbench runs diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privbench.cli.options import json_option, results_option, run_argument
from privbench.cli.output import echo, print_json, print_table, wrapped
from privbench.errors import BadInput
from privbench.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from privbench.report.run_differences import Change, Changed, Number, RunDifferences
    from privbench.storage.results import Row

NAMES = {"auc": "AUC", "tpr": "TPR at 1% FPR", "accuracy": "test accuracy"}


@click.command()
@run_argument("first_id", "ID1")
@run_argument("second_id", "ID2")
@click.option(
    "--all",
    "all_",
    is_flag=True,
    help="Print changes, too, that chance explains: those that cover 0.",
)
@results_option
@json_option
def diff(first_id: str, second_id: str, all_: bool, results: str, as_json: bool) -> None:
    """Compare two runs: settings, versions, and rows with other numbers.

    Differences are those of the second run less the first, with 95% intervals. They are paired where
    members and pool are the same and the artifacts of both runs are stored.
    """
    from privbench.report.differences import stored_in
    from privbench.report.run_differences import compare
    from privbench.storage.artifacts import Store
    from privbench.storage.history import History
    from privbench.storage.results import Results

    history = History(results)
    entries = [history.entry(run_id) for run_id in (first_id, second_id)]
    for run_id, entry in zip((first_id, second_id), entries, strict=True):
        if not entry.n_finished:
            raise BadInput(f"ID {run_id}: run {entry.id} has no rows to compare")
    runs = [Results(Path(results)).run(entry.id) for entry in entries]
    found = compare(runs[0], runs[1], stored_in(Store(Path(results))))
    numbers = tuple(f"run {entry.id}" for entry in entries)
    if as_json:
        print_json({"runs": [entry.id for entry in entries], **_to_json(found)})
        return
    _print_changes("settings", found.settings, numbers)
    _print_changes("versions", found.versions, numbers)
    _print_rows(found, numbers, all_)


def _print_changes(what: str, changes: Sequence[Change], runs: Sequence[str]) -> None:
    if not changes:
        echo(f"{what}: the same\n")
        return
    print_table([{what: c.key, runs[0]: _text(c.first), runs[1]: _text(c.second)} for c in changes])
    echo("")


def _print_rows(found: RunDifferences, runs: Sequence[str], all_: bool) -> None:
    shown = [one for one in found.changed if all_ or _matters(one)]
    for one in shown:
        echo(one_line(row_name(one.row)))
        if one.status[0] != one.status[1]:
            echo(f"  status: {one.status[0]} in {runs[0]}, {one.status[1]} in {runs[1]}")
        if one.numbers:
            print_table([_line(number, runs) for number in one.numbers])
        echo("")
    counts = [
        f"{found.n_same} rows with the same numbers, {len(found.changed)} with others",
        *(
            f"{len(only)} only in {run}"
            for run, only in zip(runs, (found.only_first, found.only_second), strict=True)
            if only
        ),
    ]
    echo(wrapped(f"rows: {', '.join(counts)}", ""))
    known = [n.difference for n in found.numbers if n.difference is not None]
    if known:
        outside = sum(difference.is_distinct for difference in known)
        hidden = len(found.changed) - len(shown)
        text = (
            f"of {len(known)} differences, {outside} exclude 0; without any real difference about"
            f" {0.05 * len(known):.0f} would"
        )
        more = f"; {hidden} rows whose differences cover 0 are left out (--all)" if hidden else ""
        echo(wrapped(text + more, ""))
    if any(not difference.paired for difference in known):
        echo(wrapped("*: unpaired, with an interval that is wide enough whatever both share", ""))


def _matters(changed: Changed) -> bool:
    is_known = [n.difference is not None for n in changed.numbers]
    distinct = [n.difference is not None and n.difference.is_distinct for n in changed.numbers]
    return changed.status[0] != changed.status[1] or not all(is_known) or any(distinct)


def _line(number: Number, runs: Sequence[str]) -> dict[str, str]:
    from privbench.report.numbers import interval_text, signed_interval_text

    d = number.difference
    covers = "" if d is None else ("no" if d.is_distinct else "yes") + ("" if d.paired else "*")
    return {
        "": f"  {NAMES[number.measure]}",
        runs[0]: interval_text(number.first, number.first_ci),
        runs[1]: interval_text(number.second, number.second_ci),
        "difference": "not known" if d is None else signed_interval_text(d.value, d.interval),
        "covers 0": covers,
    }


def row_name(row: Row) -> str:
    """Return what a row is about: its trial, and the records or canaries."""
    subset = f"canaries ({row['canary_kind']})" if row["canary_kind"] else row["subset"]
    parts = [f"{row['dataset']}/{row['defense']}/{row['model']}", row["attack"], row["knowledge"]]
    return ", ".join([*parts, subset, f"seed {row['seed']}"])


def _text(value: Any) -> str:
    from privbench.cli.runs.show import flattened

    if value is None:
        return "-"
    if isinstance(value, str) and len(value) == 40 and not value.strip("0123456789abcdef"):
        return value[:12]  # a commit
    return dict(flattened({"": [value]}))[""]


def _to_json(found: RunDifferences) -> dict[str, Any]:
    return {
        "settings": [vars(change) for change in found.settings],
        "versions": [vars(change) for change in found.versions],
        "rows": {
            "same": found.n_same,
            "changed": [
                {
                    "row": row_name(one.row),
                    "status": list(one.status),
                    "numbers": [number.to_json() for number in one.numbers],
                }
                for one in found.changed
            ],
            "only_first": [row_name(row) for row in found.only_first],
            "only_second": [row_name(row) for row in found.only_second],
        },
    }
