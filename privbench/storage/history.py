"""The runs of a results folder: what was run when, and how far it came; and how one is deleted."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from privbench.components.messages import near
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.storage.checksums import flaw_of
from privbench.storage.database import open_database, read_database
from privbench.storage.processes import is_alive
from privbench.storage.results import Results, named, now, with_json

log = logging.getLogger(__name__)

Status = Literal["complete", "running", "interrupted"]

# The rows of a trial have its position in the plan. Some may be skipped, such as kinds of canaries that
# a dataset cannot have, beside others that are ok.
LISTED = """
    SELECT id, runs.benchmark, remark, started_at, finished_at, runs.seconds, environment,
        configuration, command, n_trials, process, runs.checksum,
        coalesce(n_finished, 0) AS n_finished, coalesce(n_ok, 0) AS n_ok,
        coalesce(n_failed, 0) AS n_failed
    FROM runs LEFT JOIN (
        SELECT run_id, count(*) AS n_finished, sum(is_ok) AS n_ok, sum(has_failed) AS n_failed
        FROM (
            SELECT run_id, max(status = 'ok') AS is_ok,
                max(status NOT IN ('ok', 'skipped')) AS has_failed
            FROM rows WHERE run_id IN (SELECT id FROM runs WHERE deleted_at IS NULL {which})
            GROUP BY run_id, position
        )
        GROUP BY run_id
    ) AS counts ON counts.run_id = runs.id
    WHERE deleted_at IS NULL {which} ORDER BY runs.id DESC
"""


@dataclass(frozen=True)
class Entry:
    """A run in the list of runs."""

    id: int
    benchmark: str
    remark: str
    """How the run differs from the benchmark in the file, such as ``population=8``."""
    started_at: str
    finished_at: str | None
    seconds: float | None
    """Time that all stages behind the rows took when they were computed; None if it is not known."""
    environment: Mapping[str, Any]
    configuration: Mapping[str, Any] | None
    command: str
    """The command that was typed; empty for runs from Python and older ones."""
    n_trials: int | None
    """Trials of the plan; None for older runs."""
    process: Mapping[str, Any] | None
    """The process that carried it out; None for older runs."""
    n_finished: int
    """Trials that have rows."""
    n_ok: int
    """Trials with a result: at least one of their rows is ok."""
    n_failed: int
    """Trials with a row that is neither ok nor skipped."""

    @property
    def status(self) -> Status:
        """Whether the run came to its end, goes on, or was interrupted: by an error, or killed.

        A run of another host that did not come to its end counts as interrupted, see `elsewhere`.
        """
        if self.finished_at is not None:
            return "complete"
        return "running" if is_alive(self.process) else "interrupted"

    @property
    def elsewhere(self) -> str:
        """The host on which an unfinished run may go on, if it is not this one; else empty."""
        unknown = self.finished_at is None and self.process and is_alive(self.process) is None
        return str(self.process["host"]) if unknown and self.process else ""

    @property
    def seeds(self) -> list[int]:
        """The seeds of the run; empty for older runs."""
        return list((self.configuration or {}).get("seeds", []))

    def to_json(self) -> dict[str, Any]:
        """Return what `privbench runs --json` prints."""
        return {
            "id": self.id,
            "benchmark": self.benchmark,
            "remark": self.remark,
            "status": self.status,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "trials": {
                "planned": self.n_trials,
                "finished": self.n_finished,
                "ok": self.n_ok,
                "failed": self.n_failed,
            },
            "seeds": self.seeds,
            "seconds": self.seconds,
            "commit": self.environment.get("commit"),
            "command": self.command,
        }


class History:
    """The runs of a results folder, which may be read-only."""

    def __init__(self, root: str | Path) -> None:
        self.path = Results(Path(root)).path

    def entries(self) -> list[Entry]:
        """Return all runs, the newest first; none if the folder has no results."""
        return self._entries("", ())

    def entry(self, text: str) -> Entry:
        """Return the run that a user names.

        Which run:
            1. that of a number, such as ``12``, which must be whole: 1 is a run of its own;
            2. the newest complete run of a benchmark, or else its newest one, as for its tables;
            3. the same for the only benchmark whose name begins so, such as ``quick``.

        Raises:
            BadInput: there is none, or several benchmarks begin so. The message names what there is.
        """
        if text.isascii() and text.isdigit():
            found = self._entries("AND runs.id = ?", (int(text[:18]),))
        else:
            found = sorted(
                self._entries("AND runs.benchmark = ?", (self._benchmark(text),)),
                key=lambda entry: (entry.n_finished == 0, entry.finished_at is None, -entry.id),
            )
        if not found:
            raise BadInput(self._unknown(text))
        return found[0]

    def delete(self, ids: Sequence[int]) -> None:
        """Delete the rows of runs; stored artifacts stay, and the numbers are not used again.

        Raises:
            BadInput: a run goes on, or the database cannot be written. Then nothing is deleted.
        """
        with open_database(self.path) as database:
            for number in ids:
                (process, finished_at) = database.execute(
                    "SELECT process, finished_at FROM runs WHERE id = ?", (number,)
                ).fetchone()
                if finished_at is None and is_alive(json.loads(process)):
                    pid = json.loads(process)["pid"]
                    raise BadInput(
                        f"run {number} goes on (process {pid}): wait for it, or end it; nothing was"
                        " deleted"
                    )
                database.execute("UPDATE runs SET deleted_at = ? WHERE id = ?", (now(), number))
                database.execute("DELETE FROM rows WHERE run_id = ?", (number,))

    def _entries(self, which: str, values: Sequence[Any]) -> list[Entry]:
        if not self.path.exists():
            return []
        with read_database(self.path) as database:
            cursor = database.execute(LISTED.format(which=which), [*values, *values])
            found = [named(cursor, facts) for facts in cursor]
        entries = []
        for facts in found:
            if flaw := flaw_of(facts):
                log.warning("%s: run %s is left out: %s", self.path, facts["id"], flaw)
                continue
            del facts["checksum"]
            entries.append(Entry(**with_json(facts)))
        return entries

    def _benchmark(self, text: str) -> str:
        """Return the benchmark with runs that is called so, or that alone begins so; else the text."""
        names = dict.fromkeys(entry.benchmark for entry in self.entries())
        longer = sorted(name for name in names if text and name.startswith(text))
        if text in names or not longer:
            return text
        if len(longer) > 1:
            raise BadInput(
                f"ID {text}: several benchmarks begin so: {', '.join(map(one_line, longer))}"
            )
        return longer[0]

    def _unknown(self, text: str) -> str:
        entries = self.entries()
        if not entries:
            return (
                f"ID {text}: there are no runs in {self.path}; run `privbench run quickstart` first"
            )
        names = list(dict.fromkeys(entry.benchmark for entry in entries))
        ids = [str(entry.id) for entry in entries]
        more = ", ..." if len(ids) > 5 else ""
        return (
            f"ID {text}: there is no such run in {self.path}{near(text, names)}"
            f" (allowed: {', '.join(ids[:5])}{more}, or a benchmark: {', '.join(names)};"
            " `privbench runs` lists them)"
        )


def run_ids(results: str | Path) -> dict[str, str]:
    """Return the numbers of all runs, newest first, with a word on each, as completion needs them.

    Whatever is wrong with the folder, nothing is raised.
    """
    try:
        entries = History(results).entries()
    except BadInput:
        return {}
    return {
        str(entry.id): ", ".join(
            filter(None, [entry.benchmark, entry.started_at[:16], entry.remark])
        )
        for entry in entries
    }
