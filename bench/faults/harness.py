"""What all faults need: a small benchmark, its rows without any fault, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from privbench.storage.results import Results

HERE = Path(__file__).parent
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

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.config = folder / "benchmarks.toml"
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 160)
        x = rng.normal(size=(160, 8)).astype(np.float32) + 0.5 * y[:, None]
        np.savez(folder / "blobs.npz", x=x.astype(np.float32), y=y.astype(np.int64))
        self.config.write_text(BENCHMARK.format(path=folder / "blobs.npz"))
        self._number = 0
        self.server = subprocess.Popen(
            [sys.executable, str(HERE / "server.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "300"},
        )  # fmt: skip
        self._answer()
        self.whole = folder / "whole"
        began = time.monotonic()
        outcome = self.run("whole")
        assert outcome.status == 0, outcome.text
        self.seconds = time.monotonic() - began
        self.rows = rows_of(self.whole)

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
            tally.expect(rows_of(results) == self.rows, f"{what}: other rows")

    def _ask(self, request: dict[str, Any]) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self.server.stdout is not None
        answer: dict[str, Any] = json.loads(self.server.stdout.readline())
        return answer


def rows_of(results: Path) -> list[str]:
    """The rows of the benchmark as text, but for how long they took."""
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
