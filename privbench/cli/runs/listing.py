"""``privbench runs list``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from privbench.cli.options import json_option, results_option
from privbench.cli.output import echo, print_json, print_table

if TYPE_CHECKING:
    from privbench.storage.history import Entry


@click.command("list")
@results_option
@json_option
def list_runs(results: str, as_json: bool) -> None:
    """List runs, the newest first."""
    print_runs(results, as_json)


def print_runs(results: str, as_json: bool) -> None:
    """Print the runs of a results folder."""
    from privbench.storage.history import History

    history = History(results)
    entries = history.entries()
    if as_json:
        print_json([entry.to_json() for entry in entries])
    elif entries:
        print_table([_line(entry) for entry in entries])
    else:
        echo(f"no runs in {history.path}; `privbench run quickstart` makes one", err=True)


def _line(entry: Entry) -> dict[str, str]:
    return {
        "id": str(entry.id),
        "started (UTC)": day_and_minute(entry.started_at),
        "took": took(entry),
        "trials": trials_text(entry),
        "seeds": seeds_text(entry.seeds),
        "commit": (entry.environment.get("commit") or "")[:7],
        "benchmark": title(entry),
    }


def title(entry: Entry) -> str:
    """Return the benchmark of a run, how the run differs from it, and whether it went wrong."""
    failed = f"{entry.n_failed} failed" if entry.n_failed else ""
    status: str = "" if entry.status == "complete" else entry.status
    if status == "interrupted" and entry.elsewhere:
        status = f"goes on, or was interrupted, on {entry.elsewhere}"
    return ", ".join(filter(None, [entry.benchmark, status, failed, entry.remark]))


def day_and_minute(text: str) -> str:
    """Return a time of the database without seconds: ``2026-11-28 17:21``."""
    return text[:16].replace("T", " ")


def took(entry: Entry) -> str:
    """Return how long a run took from its start to its end; empty if it has none, or it is not known."""
    try:
        times = (entry.started_at, entry.finished_at or "")
        begin, end = map(datetime.fromisoformat, times)
    except ValueError:  # it has not ended, or its line in the database was changed
        return ""
    # Older versions took both times from a clock that may have been set back between them.
    return str(end - begin).partition(".")[0] if begin <= end else ""


def trials_text(entry: Entry) -> str:
    """Return the trials of a run that have results, beside all that it planned.

    All of its trials that are finished have results or none, such as those that are skipped.
    """
    if entry.n_trials is None or entry.n_finished == entry.n_trials:
        return str(entry.n_finished)
    return f"{entry.n_finished} of {entry.n_trials}"


def seeds_text(seeds: list[int]) -> str:
    """Return seeds, or how many there are if they are many."""
    return f"{len(seeds)} seeds" if len(seeds) > 3 else ",".join(map(str, seeds))
