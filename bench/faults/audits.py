"""Audits that train models or run a generator, and keep what each of them gave."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import disk
import files
import numpy as np
import signals
from harness import Lab, Outcome, Tally

TRAIN = """
import time
import numpy as np

rng = np.random.default_rng(0)
y = rng.integers(0, 2, 80)
x = rng.normal(size=(80, 4)) + y[:, None]


def train(x, y, seed):
    time.sleep({seconds})
    means = np.stack([x[y == label].mean(0) for label in (0, 1)])

    def predict(x):
        closeness = np.exp(-((x[:, None] - means) ** 2).sum(-1))
        return closeness / closeness.sum(1, keepdims=True)

    return predict
"""
GENERATE = """
import time


def generate(table, seed, n):
    time.sleep({seconds})
    return table.sample(n, replace=True, random_state=seed)
"""
SECONDS = 0.2
"""How long a model, or a shadow table, takes."""
N = 6
"""Number of models, and of shadow tables."""


class TrainingLab(Lab):
    """An audit of a training function."""

    what = "audit-training"
    command_name = "privbench audit-training"
    computed = re.compile(r"^model \d+: \d+/\d+ trained", re.MULTILINE)
    """A line on stderr for each model that is trained."""
    jobs = 1

    def prepare(self) -> None:
        """Write the training function."""
        (self.folder / "fit.py").write_text(TRAIN.format(seconds=SECONDS))

    def run_line(self, results: str | Path, *more: object) -> tuple[object, ...]:
        """The command, which keeps what models answer in a folder."""
        options = ("--models", N, "--attack", "loss", "--jobs", self.jobs, "--json")
        place = ("--results", self.folder / results)
        return ("audit-training", self.folder / "fit.py", *options, *place, *more)

    def shown(self, results: Path, outcome: Outcome) -> list[str]:
        """The report, without how long the training took."""
        report = json.loads(outcome.out)
        report.get("training", {}).pop("seconds", None)
        return [json.dumps(report, sort_keys=True)]

    def check_goes_on(self, tally: Tally, results: Path, what: str) -> None:
        """The same command ends well, with the same report, and computes only what is missing."""
        n_stored = len(self.stored(results))
        outcome = self.run(results.name)
        tally.no_traceback(outcome, what)
        if tally.expect(outcome.status == 0, f"{what}: {outcome.status}: {outcome.text[-1000:]}"):
            same = self.shown(results, outcome) == self.rows
            tally.expect(same, f"{what}: another report")
        n_computed = len(self.computed.findall(outcome.err))
        tally.expect(
            n_computed == N - n_stored,
            f"{what}: {n_stored} of {N} were stored, and {n_computed} computed: {outcome.err}",
        )


class ParallelLab(TrainingLab):
    """An audit of a training function in several processes."""

    what = "audit-training --jobs 2"
    jobs = 2


class DataLab(TrainingLab):
    """An audit of a synthetic table, with a generator."""

    what = "audit-data"
    command_name = "privbench audit-data"
    computed = re.compile(r"^shadow table \d+ of \d+", re.MULTILINE)

    def prepare(self) -> None:
        """Write the generator and the tables."""
        (self.folder / "gen.py").write_text(GENERATE.format(seconds=SECONDS))
        rng = np.random.default_rng(0)
        for name in ("train", "holdout", "synthetic"):
            table = rng.normal(size=(120, 3)).round(3)
            path = self.folder / f"{name}.csv"
            np.savetxt(path, table, "%.3f", delimiter=",", header="a,b,c", comments="")

    def run_line(self, results: str | Path, *more: object) -> tuple[object, ...]:
        """The command, which keeps shadow tables in a folder."""
        tables = [
            word
            for name in ("train", "holdout", "synthetic")
            for word in (f"--{name}", self.folder / f"{name}.csv")
        ]
        options = ("--generator", self.folder / "gen.py", "--shadows", N, "--attack", "gan-leaks")
        place = ("--cache", self.folder / results, "--json")
        return ("audit-data", *tables, *options, *place, *more)

    def stored(self, results: Path) -> dict[str, int]:
        """When each note was written, which is the last file of a shadow table."""
        return {str(note): note.stat().st_mtime_ns for note in results.glob("*/shadow-*.json")}


LABS = (TrainingLab, DataLab)


def killed(lab: Lab, tries: int) -> list[Tally]:
    """SIGKILL; a third as often with several processes, which take long to start."""
    several = signals.killed(lab.other(ParallelLab), max(1, tries // 3))
    return [*(signals.killed(lab.other(kind), tries) for kind in LABS), several]


def terminated(lab: Lab, tries: int) -> list[Tally]:
    """SIGTERM."""
    several = signals.terminated(lab.other(ParallelLab), max(1, tries // 3))
    return [*(signals.terminated(lab.other(kind), tries) for kind in LABS), several]


def interrupted(lab: Lab, tries: int) -> list[Tally]:
    """Ctrl-C, once or twice."""
    strike = (signals.interrupted, signals.interrupted_twice)
    found = [one(lab.other(kind), tries) for kind in LABS for one in strike]
    return [*found, signals.interrupted(lab.other(ParallelLab), max(1, tries // 3))]


def full(lab: Lab, tries: int) -> list[Tally]:
    """A disk that becomes full."""
    return [disk.full(lab.other(kind), tries) for kind in LABS]


def damaged(lab: Lab, tries: int) -> list[Tally]:
    """Every damage to some of the files that are kept: set aside, and computed again."""
    found = []
    for kind in LABS:
        own = lab.other(kind)
        tally = Tally(own.name(f"kept files that are damaged ({len(files.DAMAGES)} kinds)"))
        for number in range(tries * len(files.DAMAGES)):
            damage = files.DAMAGES[number % len(files.DAMAGES)]
            with own.copy("damaged") as results:
                kept = sorted(path for path in results.rglob("*") if path.is_file())
                chosen = own.random.sample(kept, 2)
                for path in chosen:
                    damage(path, own.random)
                what = f"{damage.__name__} of {[path.name for path in chosen]}"
                outcome = own.run(results.name)
                tally.no_traceback(outcome, what)
                tally.ended("complete" if outcome.status == 0 else f"status {outcome.status}")
                if tally.expect(outcome.status == 0, f"{what}: {outcome.text[-1000:]}"):
                    same = own.shown(results, outcome) == own.rows
                    tally.expect(same, f"{what}: another report")
                own.check_goes_on(tally, results, f"{what}, again")
                tally.expect(len(own.stored(results)) == N, f"{what}: not all is kept")
        found.append(tally)
    return found


def together(lab: Lab, tries: int) -> list[Tally]:
    """Two of the same audit at once, in one folder."""
    found = []
    for kind in LABS:
        own = lab.other(kind)
        tally = Tally(own.name("two at once"))
        for number in range(tries):
            results = own.folder / f"together-{number}"
            runs = []
            for _ in range(2):
                runs.append(own.start(*own.run_line(results.name)))
                time.sleep(own.random.choice([0.0, 0.05, 0.3]))
            for run in runs:
                outcome = own.finish(run)
                tally.no_traceback(outcome)
                tally.ended("complete" if outcome.status == 0 else f"status {outcome.status}")
                if tally.expect(outcome.status == 0, outcome.text[-800:]):
                    tally.expect(own.shown(results, outcome) == own.rows, "another report")
                tally.expect("damaged" not in outcome.err, outcome.err)
            own.check_goes_on(tally, results, "afterwards")
            shutil.rmtree(results)
        found.append(tally)
    return found
