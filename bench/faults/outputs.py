"""Files that commands write, on disks that are full, and readers that end early."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from disk import mounted
from harness import Lab, Tally

WRITERS = (
    ["table", "-o", "{out}/table.txt"], ["table", "--html", "{out}/table.html"],
    ["export", "small", "-o", "{out}/small.json"], ["export", "small", "-o", "{out}/small.json.gz"],
    ["report", "small", "-o", "{out}/pages"], ["plot", "tradeoff", "small", "-o", "{out}/plot.png"],
    ["leaderboard", "build", "{board}", "-o", "{out}/site"],
    ["audit", "{predictions}", "-o", "{out}/audit.md"],
    ["audit", "{predictions}", "--html", "{out}/audit.html", "-o", "{out}/audit.json"],
    ["audit", "{predictions}", "--plot", "{out}/audit.svg"],
)  # fmt: skip
READ = (
    ["table"], ["table", "--json"], ["runs"], ["runs", "show", "1"], ["table", "--view", "rows"],
    ["audit", "{predictions}"], ["--help"], ["list"], ["run", "small", "-c", "{config}"],
)  # fmt: skip


def full_disks(lab: Lab, tries: int) -> Tally:
    """A disk that is full when a file is written again: the old one stays as it was."""
    tally = Tally("output files on a full disk")
    words = _words(lab)
    for number, writer in enumerate(WRITERS[: max(tries, 1)]):
        with mounted(lab.folder / f"output-disk-{number}", 2**25) as disk:
            line = [word.format(out=disk, **words) for word in writer]
            more = (
                ["--results", lab.whole] if line[0] in ("table", "export", "report", "plot") else []
            )
            first = lab.command(*line, *more)
            tally.expect(first.status == 0, f"{line}: {first.status}: {first.text[-600:]}")
            before = _contents(disk)
            tally.expect(bool(before), f"{line}: wrote nothing")
            filler = disk / "filler"
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4096"], capture_output=True)
            outcome = lab.command(*line, *more)
            tally.no_traceback(outcome, str(line))
            tally.ended(f"status {outcome.status}")
            says = outcome.status in (1, 2) and "no space left in" in outcome.err
            tally.expect(says, f"{line}: {outcome.status}: {outcome.text[-600:]}")
            filler.unlink()
            tally.expect(_contents(disk) == before, f"{line}: an old file was changed")
    return tally


def early_readers(lab: Lab, tries: int) -> Tally:
    """`| head`, stdout that is full or closed."""
    tally = Tally("stdout that ends early, is full or closed")
    words = _words(lab)
    for reader in READ[: max(tries, 1)]:
        line = [word.format(**words) for word in reader]
        with_results = line[0] in ("table", "runs", "run")
        more = ["--results", lab.whole] if with_results else []
        for how, code in CLOSED.items():
            out = {"out": "/dev/full"} if how == "full" else {}
            outcome = lab.command(*line, *more, code=code, **out)
            tally.no_traceback(outcome, f"{line} {how}")
            tally.ended(f"status {outcome.status}")
            allowed = (0, 1) if how != "full" else (1,)
            what = f"{line} {how}: {outcome.status}: {outcome.err[-600:]}"
            tally.expect(outcome.status in allowed, what)
    return tally


CLOSED = {
    "pipe": "import os; r, w = os.pipe(); os.dup2(w, 1); os.close(w); os.close(r)",
    "full": "",
    "closed": "import os, sys; os.close(1); sys.stdout = sys.__stdout__ = None",
    "no stderr": "import os, sys; os.close(2); sys.stderr = sys.__stderr__ = None",
}
"""What is done to the streams before a command begins."""


def _words(lab: Lab) -> dict[str, object]:
    """What commands name: a file of predictions, and one of a run."""
    predictions, board = lab.folder / "predictions.npz", lab.folder / "board.json"
    if not predictions.exists():
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 3, 120)
        member = rng.random((6, 120)) < 0.5
        logits = rng.normal(size=(6, 120, 3))
        logits[:, np.arange(120), labels] += 1 + 2 * member
        np.savez(predictions, logits=logits, labels=labels, member=member)
        made = lab.command("export", "small", "-o", board, "--results", lab.whole)
        assert made.status == 0, made.text
    return {"predictions": predictions, "board": board, "config": lab.config}


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "filler"}
