"""Artifacts that are damaged, or whose place something else has taken."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from harness import Lab, Tally, rows_of

BIG = 2 * 2**30
"""Bytes of a file that is too large; it has a hole, and takes no room."""


def truncated(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def flipped(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def foreign(path: Path, rng: random.Random) -> None:
    others = [p for p in path.parent.parent.rglob(f"*{path.suffix}") if p != path]
    shutil.copyfile(rng.choice(others), path)


def link(path: Path, rng: random.Random) -> None:
    moved = path.with_name("moved")
    path.rename(moved)
    path.symlink_to(moved)


def link_to_itself(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def link_to_nowhere(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to("/nowhere/at/all")


def folder(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


def pipe(path: Path, rng: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def device(path: Path, rng: random.Random) -> None:
    path.unlink()
    if os.geteuid() == 0:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero, which never ends
    else:
        path.symlink_to("/dev/zero")


def deep(path: Path, rng: random.Random) -> None:
    path.write_text("[" * 200_000 + "]" * 200_000)


def deep_within(path: Path, rng: random.Random) -> None:
    text = '{"checksum": "x", "info": ' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}"
    path.write_text(text)


def other_types(path: Path, rng: random.Random) -> None:
    note = {"checksum": 1, "key": [], "arrays": {}, "info": 3, "seconds": "x"}
    path.write_text(json.dumps(rng.choice([note, [], 1, None, "x", {}, {"checksum": "x"}])))


def empty(path: Path, rng: random.Random) -> None:
    path.write_bytes(b"")


def huge(path: Path, rng: random.Random) -> None:
    os.truncate(path, BIG)


def gone(path: Path, rng: random.Random) -> None:
    path.unlink()


def unreadable(path: Path, rng: random.Random) -> None:
    path.chmod(0)  # which stops every user but root


DAMAGES: tuple[Callable[[Path, random.Random], None], ...] = (
    truncated, flipped, foreign, link, link_to_itself, link_to_nowhere, folder, pipe, device, deep,
    deep_within, other_types, empty, huge, gone, unreadable,
)  # fmt: skip


def artifacts(lab: Lab, tries: int) -> list[Tally]:
    """Every damage to some artifacts at once, of which a run has to read some."""
    found = []
    for damage in DAMAGES:
        tally = Tally(f"artifact: {damage.__name__.replace('_', ' ')}")
        for number in range(tries):
            with lab.copy(f"artifacts-{number}") as results:
                files = sorted((results / "artifacts").glob("*/*.*"))
                chosen = lab.random.sample(files, 4)
                # What reads them has to be computed again.
                for kind in ("metrics", "warnings", "records", "audit", "utility"):
                    shutil.rmtree(results / "artifacts" / kind, ignore_errors=True)
                for path in chosen:
                    if path.exists():
                        damage(path, lab.random)
                what = f"{damage.__name__} of {[f'{p.parent.name}/{p.suffix}' for p in chosen]}"
                for words in (["table", "--view", "differences"], ["run", "small", "--dry-run"]):
                    more = ["-c", lab.config] if words[0] == "run" else []
                    shown = lab.command(*words, *more, "--results", results)
                    tally.no_traceback(shown, f"{what}: {words}")
                    tally.expect(shown.status == 0, f"{what}: {words}: {shown.text[-600:]}")
                lab.check_goes_on(tally, results, what)
                tally.ended("complete")
                # What is whole is used: a second run sets nothing aside and computes nothing.
                again = lab.run(results.name)
                tally.expect("damaged" not in again.err, f"{what}: again: {again.err}")
                tally.expect(rows_of(results) == lab.rows, f"{what}: other rows")
        found.append(tally)
    return found


def permissions(lab: Lab, tries: int) -> Tally:
    """The umask decides who may read results."""
    tally = Tally("umask")
    for mask in [0o022, 0o077, 0o002][:tries]:
        results = lab.folder / f"umask-{mask:o}"
        outcome = lab.run(results.name, code=f"import os; os.umask({mask})")
        tally.no_traceback(outcome)
        tally.ended("complete")
        modes = {f.stat().st_mode & 0o777 for f in results.rglob("*") if f.is_file()}
        tally.expect(modes == {0o666 & ~mask}, f"umask {mask:o}: {[oct(m) for m in modes]}")
        shutil.rmtree(results)
    return tally
