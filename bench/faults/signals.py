"""Runs that are killed or interrupted at random moments, again and again, until they are complete."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from harness import Lab, Tally, are_gone, descendants, total_rows

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGKILL: 137}


def killed(lab: Lab, tries: int) -> Tally:
    """SIGKILL."""
    return struck(lab, Tally(lab.name("SIGKILL at a random moment")), tries, [signal.SIGKILL])


def terminated(lab: Lab, tries: int) -> Tally:
    """What `kill` and batch systems send."""
    return struck(lab, Tally(lab.name("SIGTERM at a random moment")), tries, [signal.SIGTERM])


def hung_up(lab: Lab, tries: int) -> Tally:
    """What a terminal that is closed sends."""
    return struck(lab, Tally(lab.name("SIGHUP at a random moment")), tries, [signal.SIGHUP])


def interrupted(lab: Lab, tries: int) -> Tally:
    """Ctrl-C once."""
    return struck(lab, Tally(lab.name("SIGINT at a random moment")), tries, [signal.SIGINT])


def interrupted_twice(lab: Lab, tries: int) -> Tally:
    """Ctrl-C twice, shortly after each other."""
    return struck(lab, Tally(lab.name("SIGINT twice")), tries, [signal.SIGINT] * 2)


def mixed(lab: Lab, tries: int) -> Tally:
    """A storm of all of them."""
    storm = [signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGINT]
    return struck(lab, Tally(lab.name("SIGINT, SIGTERM, SIGINT, SIGHUP, SIGINT")), tries, storm)


def struck(lab: Lab, tally: Tally, tries: int, numbers: Sequence[signal.Signals]) -> Tally:
    """Strike a run again and again until it is complete; then another one, until there are all tries."""
    results = lab.folder / "struck"
    shutil.rmtree(results, ignore_errors=True)
    for _ in range(tries):
        before, rows = lab.stored(results), total_rows(results)
        run = lab.start(*lab.run_line(results.name))
        if signal.SIGKILL not in numbers:
            _wait_until_it_listens(run[0])
        time.sleep(lab.random.uniform(0, 0.9 * lab.seconds))
        started = descendants(run[0])
        for position, number in enumerate(numbers):
            if position:
                time.sleep(lab.random.choice([0.0, 0.002, 0.05, 0.3]))
            os.kill(run[0], number)  # a process that has ended waits for its parent
        outcome = lab.finish(run)
        what = f"try {tally.tries}, {[n.name for n in numbers]}"
        tally.no_traceback(outcome, what)
        tally.expect(are_gone(started), f"{what}: processes go on: {started}")
        tally.expect(before.items() <= lab.stored(results).items(), f"{what}: an artifact is gone")
        now = total_rows(results)
        kept = len(now) >= len(rows) and all(
            new >= old for old, new in zip(rows, now, strict=False)
        )
        tally.expect(kept, f"{what}: rows are gone: {rows} {now}")
        if outcome.status == 0:
            tally.ended("complete")
            lab.check_goes_on(tally, results, what)
            shutil.rmtree(results)
            continue
        tally.ended(f"status {outcome.status}")
        statuses = {STATUS[number] for number in numbers}
        tally.expect(outcome.status in statuses, f"{what}: {outcome.status}: {outcome.text[-800:]}")
        # A second signal that comes when the command has said its last word only ends it sooner.
        if signal.SIGKILL not in numbers and len(numbers) == 1:
            says = f"run the same command again to go on: {lab.command_name}" in outcome.err
            tally.expect(says, f"{what}: does not say how to go on: {outcome.text[-300:]}")
    if results.exists():
        lab.check_goes_on(tally, results, "in the end")
    tally.expect(not [*Path(results).rglob("*.damaged*")], "something was set aside")
    return tally


def _wait_until_it_listens(pid: int) -> None:
    """Until then Python itself starts, and has nothing to say."""
    bit = 1 << (signal.SIGTERM - 1)
    for _ in range(2000):
        fields = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        if int(fields.get("SigCgt", "0"), 16) & bit:
            return
        time.sleep(0.001)
