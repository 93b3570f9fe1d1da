"""What all faults need: a small benchmark, its rows without any fault, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from privbench.storage.results import Results

HERE = Path(__file__).parent
L = TypeVar("L", bound="Lab")
BENCHMARK = """
[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[benchmarks.small]
datasets = [{{ name = "npz", path = "{path}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 10, batch_size = 16 }}]
defenses = ["none", "noisy"]
attacks = ["loss", {{ name = "lira", variance = "global" }}]
population = 4
canaries = 0.1
"""


@dataclass
class Outcome:
    """What one command did."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass
class Tally:
    """The tries of one kind of fault, and what went wrong in them."""

    fault: str
    tries: int = 0
    lost: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    """How the tries ended, counted."""

    def expect(self, holds: bool, what: object) -> bool:
        if not holds:
            self.lost.append(str(what))
        return holds

    def ended(self, how: str) -> None:
        self.tries += 1
        self.seen[how] = self.seen.get(how, 0) + 1

    def no_traceback(self, outcome: Outcome, what: str = "") -> None:
        for word in ("Traceback (most recent", "Exception ignored", "disk I/O error"):
            self.expect(word not in outcome.text, f"{what}: {word}: {outcome.text[-1500:]}")


class Lab:
    """A folder with a small benchmark, and a process that starts commands quickly."""

    what = ""
    """What is run, in the names of faults; empty for a benchmark of built-in components."""
    command_name = "privbench run small"

    def __init__(
        self, folder: Path, seed: int = 0, server: subprocess.Popen[str] | None = None
    ) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.config = folder / "benchmarks.toml"
        self._seed = seed
        self._number = 0
        self._others: dict[type[Lab], Lab] = {}
        self.prepare()
        if server is None:
            server = subprocess.Popen(
                [sys.executable, str(HERE / "server.py")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=os.environ
                | {"OMP_NUM_THREADS": "1", "COLUMNS": "300", "PRIVBENCH_IN_PROCESS": "0"},
            )  # fmt: skip
            self.server = server
            self._answer()
        self.server = server
        self.whole = folder / "whole"
        began = time.monotonic()
        outcome = self.run("whole")
        assert outcome.status == 0, outcome.text
        self.seconds = time.monotonic() - began
        self.rows = self.shown(self.whole, outcome)

    def prepare(self) -> None:
        """Write what the command reads."""
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 160)
        x = rng.normal(size=(160, 8)).astype(np.float32) + 0.5 * y[:, None]
        np.savez(self.folder / "blobs.npz", x=x.astype(np.float32), y=y.astype(np.int64))
        self.config.write_text(BENCHMARK.format(path=self.folder / "blobs.npz"))

    def shown(self, results: Path, outcome: Outcome) -> list[str]:
        """What a command that ended well has to show, as text, but for how long it took."""
        return rows_of(results)

    def stored(self, results: Path) -> dict[str, int]:
        """When each file that is kept was written."""
        return stored(results)

    def other(self, kind: type[L]) -> L:
        """Another lab with the same process, which is made when it is first needed."""
        if kind not in self._others:
            folder = self.folder / kind.__name__
            folder.mkdir()
            self._others[kind] = kind(folder, self._seed, self.server)
        found = self._others[kind]
        assert isinstance(found, kind)
        return found

    def name(self, fault: str) -> str:
        """The name of a fault, with what it is done to."""
        return f"{fault}, {self.what}" if self.what else fault

    def close(self) -> None:
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait()
        assert self.server.stdout is not None
        self.server.stdout.close()

    def start(self, *argv: object, **options: Any) -> tuple[int, Path]:
        """Start a command; return its process and the stem of its output files."""
        self._number += 1
        stem = self.folder / f"output-{self._number}"
        files = {"out": f"{stem}.out", "err": f"{stem}.err"} | {
            key: str(options.pop(key)) for key in ("out", "err") if key in options
        }
        self._ask({"argv": list(map(str, argv)), "cwd": str(self.folder), **files, **options})
        return self._answer()["pid"], stem

    def finish(self, started: tuple[int, Path]) -> Outcome:
        pid, stem = started
        self._ask({"wait": pid})
        status = self._answer()["status"]
        texts = []
        for suffix in (".out", ".err"):
            file = Path(f"{stem}{suffix}")
            texts.append(file.read_text(errors="replace") if file.exists() else "")
            file.unlink(missing_ok=True)
        return Outcome(status, *texts)

    def command(self, *argv: object, **options: Any) -> Outcome:
        return self.finish(self.start(*argv, **options))

    def run(self, results: str | Path, *more: object, **options: Any) -> Outcome:
        return self.command(*self.run_line(results, *more), **options)

    def run_line(self, results: str | Path, *more: object) -> tuple[object, ...]:
        return ("run", "small", "-c", self.config, "--results", self.folder / results, *more)

    @contextmanager
    def copy(self, name: str) -> Iterator[Path]:
        """A copy of the results without a fault, which is removed afterwards."""
        path = self.folder / name
        shutil.copytree(self.whole, path)
        yield path
        shutil.rmtree(path, ignore_errors=True)

    def check_goes_on(self, tally: Tally, results: Path, what: str) -> None:
        """The same command ends well, with the rows of a run without a fault."""
        outcome = self.run(results.name)
        tally.no_traceback(outcome, what)
        if tally.expect(outcome.status == 0, f"{what}: {outcome.status}: {outcome.text[-1000:]}"):
            same = self.shown(results, outcome) == self.rows
            tally.expect(same, f"{what}: other rows")

    def _ask(self, request: dict[str, Any]) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self.server.stdout is not None
        answer: dict[str, Any] = json.loads(self.server.stdout.readline())
        return answer


def rows_of(results: Path) -> list[str]:
    """The rows of the benchmark as text, but for how long they took; none if it has none."""
    if "small" not in Results(results).benchmarks():
        return []
    return sorted(
        json.dumps(row | {"seconds": None}, sort_keys=True)
        for row in Results(results).rows("small")
    )


def stored(results: Path) -> dict[str, int]:
    """When each artifact was written, by its file; parts go when their artifact is there."""
    notes = (results / "artifacts").glob("*/*.json")
    return {
        str(note): note.stat().st_mtime_ns for note in notes if "-parts" not in note.parent.name
    }


def total_rows(results: Path) -> Sequence[int]:
    """The number of rows of each run, which must never shrink."""
    import sqlite3
    from contextlib import closing

    if not (results / "results.sqlite").exists():
        return []
    with closing(sqlite3.connect(results / "results.sqlite")) as database:
        try:
            found = database.execute(
                "SELECT count(rows.rowid) FROM runs LEFT JOIN rows ON run_id = id GROUP BY id"
            ).fetchall()
        except sqlite3.OperationalError:  # it has no tables yet
            return []
    return [n for (n,) in found]


def descendants(pid: int) -> dict[int, int]:
    """The processes that a process has started, and those that these have, each with its depth."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(OSError):
                state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(place.name))
    found: dict[int, int] = {}
    pending = [(pid, 0)]
    while pending:
        parent_pid, depth = pending.pop()
        for child in children.get(parent_pid, []):
            found[child] = depth + 1
            pending.append((child, depth + 1))
    return found


def are_gone(pids: Iterable[int], seconds: float = 20.0) -> bool:
    """Whether processes end within some seconds."""
    end = time.monotonic() + seconds
    left = set(pids)
    while left and time.monotonic() < end:
        left = {pid for pid in left if _is_alive(pid)}
        time.sleep(0.05)
    return not left


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
