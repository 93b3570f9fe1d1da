"""Disks that are full or read-only, folders that are gone, files that may not grow."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness import Lab, Tally, rows_of, stored

NOBODY = 65534
SHOWN = (
    ["table"], ["table", "--view", "rows"], ["runs"], ["runs", "show", "1"], ["table", "--json"],
    ["export", "small", "-o", "{other}/small.json"], ["report", "small", "-o", "{other}/pages"],
    ["run", "small", "-c", "{config}", "--dry-run"],
)  # fmt: skip
"""Commands that only read results; {other} is a folder elsewhere."""


def can_mount() -> bool:
    """Whether this user may mount file systems, as root may where nothing forbids it."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """A disk of ``size`` bytes."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def full(lab: Lab, tries: int) -> Tally:
    """A disk that becomes full at a random moment of a run; then it gets room, and the run goes on."""
    tally = Tally(lab.name("disk full"))
    needed = sum(file.stat().st_size for file in lab.whole.rglob("*") if file.is_file())
    for number in range(tries):
        size = int(needed * lab.random.uniform(0.02, 1.2)) // 4096 * 4096 + 40960
        with mounted(lab.folder / f"disk-{number}", size) as disk:
            outcome = lab.run(f"{disk.name}/results")
            what = f"{size} bytes"
            tally.no_traceback(outcome, what)
            _ended(tally, outcome.status)
            if outcome.status != 0:
                tally.expect(
                    outcome.status == 1, f"{what}: status {outcome.status}: {outcome.text}"
                )
                says = all(word in outcome.err for word in ("no space left in", "free", "go on"))
                tally.expect(says, f"{what}: does not say why: {outcome.text[-600:]}")
            before = lab.stored(disk / "results")
            subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
            again = lab.run(f"{disk.name}/results")
            tally.no_traceback(again, f"{what}, again")
            tally.expect(again.status == 0, f"{what}: does not go on: {again.text[-600:]}")
            same = lab.shown(disk / "results", again) == lab.rows
            tally.expect(same, f"{what}: other rows")
            tally.expect(
                before.items() <= lab.stored(disk / "results").items(), f"{what}: lost some"
            )
    return tally


def limited(lab: Lab, tries: int) -> Tally:
    """`ulimit -f`."""
    tally = Tally("limit of the size of a file (ulimit -f)")
    largest = max(file.stat().st_size for file in lab.whole.rglob("*") if file.is_file())
    for number in range(tries):
        results = lab.folder / f"limited-{number}"
        limit = int(lab.random.uniform(0.005, 1.0) * largest)
        outcome = lab.run(results.name, file_limit=limit)
        tally.no_traceback(outcome, f"{limit} bytes")
        _ended(tally, outcome.status)
        says = outcome.status == 1 and "ulimit -f" in outcome.err
        fits = outcome.status == 0 and rows_of(results) == lab.rows
        tally.expect(says or fits, f"{limit} bytes: status {outcome.status}: {outcome.text[-800:]}")
        lab.check_goes_on(tally, results, f"{limit} bytes")
        shutil.rmtree(results)
    return tally


def removed(lab: Lab, tries: int) -> Tally:
    """A results folder, or a part of it, that is removed or moved away while a run goes on."""
    tally = Tally("results folder removed in mid-run")
    for number in range(tries):
        results = lab.folder / f"removed-{number}"
        run = lab.start(*lab.run_line(results.name))
        while not results.exists():
            time.sleep(0.001)
        time.sleep(lab.random.uniform(0, 0.7 * lab.seconds))
        part = lab.random.choice(["", "artifacts", "results.sqlite", "all but the folder"])
        elsewhere = lab.folder / f"elsewhere-{number}"
        elsewhere.mkdir()
        # Moved, so that it can be seen whether a run had come to its end just before.
        moved = [*results.iterdir()] if part == "all but the folder" else [results / part]
        for place in moved:
            with suppress(FileNotFoundError):
                place.rename(elsewhere / (place.relative_to(results).name or "results"))
        outcome = lab.finish(run)
        what = f"{part or 'the folder'} removed"
        tally.no_traceback(outcome, what)
        _ended(tally, outcome.status)
        tally.expect(outcome.status in (0, 1), f"{what}: status {outcome.status}: {outcome.text}")
        places = (results, elsewhere, elsewhere / "results")
        whole = outcome.status == 0 and any(rows_of(place) == lab.rows for place in places)
        tally.expect(outcome.status == 1 or whole, f"{what}: status 0 without all rows")
        shutil.rmtree(elsewhere)
        lab.check_goes_on(tally, results, what)
        shutil.rmtree(results)
    return tally


def read_only(lab: Lab, tries: int) -> Tally:
    """A file system that is read-only, on which results are shown and a run is refused."""
    tally = Tally("read-only file system")
    for number in range(tries):
        with mounted(lab.folder / f"locked-{number}", 2**27) as disk:
            shutil.copytree(lab.whole, disk / "results")
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            _shows(lab, tally, disk / "results")
            _refuses(lab, tally, f"{disk.name}/results")
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    return tally


def foreign(lab: Lab, tries: int) -> Tally:
    """A results folder of another user, which may be read and not written."""
    tally = Tally("results folder of another user")
    os.chmod(lab.folder, 0o755)
    for number in range(tries):
        with lab.copy(f"foreign-{number}") as results:
            _shows(lab, tally, results, uid=NOBODY)
            _refuses(lab, tally, results.name, uid=NOBODY)
            with suppress(OSError):
                os.chmod(results / "results.sqlite", 0o600)
                outcome = lab.command("table", "--results", results, uid=NOBODY)
                tally.no_traceback(outcome, "unreadable")
                tally.expect(outcome.status == 2, f"unreadable: {outcome.status}: {outcome.text}")
                _ended(tally, outcome.status)
    return tally


def locked_in_mid_run(lab: Lab, tries: int) -> Tally:
    """A file system that becomes read-only while a run goes on, and then can be written again."""
    tally = Tally("file system becomes read-only in mid-run")
    for number in range(tries):
        with mounted(lab.folder / f"midway-{number}", 2**27) as disk:
            run = lab.start(*lab.run_line(f"{disk.name}/results"))
            while not (disk / "results").exists():
                time.sleep(0.001)
            time.sleep(lab.random.uniform(0, 0.7 * lab.seconds))
            while subprocess.run(
                ["mount", "-o", "remount,ro", str(disk)], capture_output=True
            ).returncode:
                time.sleep(0.01)  # a file is open for writing
            outcome = lab.finish(run)
            tally.no_traceback(outcome)
            _ended(tally, outcome.status)
            said = "read-only" in outcome.err or "cannot be written" in outcome.err
            tally.expect(outcome.status == 0 or said, f"does not say why: {outcome.text[-600:]}")
            before = stored(disk / "results")
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            again = lab.run(f"{disk.name}/results")
            tally.expect(again.status == 0, f"does not go on: {again.text[-600:]}")
            tally.expect(rows_of(disk / "results") == lab.rows, "other rows")
            tally.expect(before.items() <= stored(disk / "results").items(), "lost some")
    return tally


def _shows(lab: Lab, tally: Tally, results: Path, **options: object) -> None:
    other = lab.folder / "other"
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir()
    os.chmod(other, 0o777)
    for words in SHOWN:
        line = [word.format(other=other, config=lab.config) for word in words]
        outcome = lab.command(*line, "--results", results, **options)
        tally.no_traceback(outcome, " ".join(words))
        tally.expect(outcome.status == 0, f"{words}: {outcome.status}: {outcome.text[-600:]}")
        _ended(tally, outcome.status)


def _refuses(lab: Lab, tally: Tally, results: str, **options: object) -> None:
    """A run that has to write says that it cannot."""
    outcome = lab.run(results, **options)
    tally.no_traceback(outcome, "run")
    words = ("read-only", "cannot be written", "may not be written")
    said = any(word in outcome.err for word in words)
    tally.expect(outcome.status in (1, 2) and said, f"run: {outcome.status}: {outcome.text[-600:]}")
    _ended(tally, outcome.status)


def _ended(tally: Tally, status: int) -> None:
    tally.ended("complete" if status == 0 else f"status {status}")
