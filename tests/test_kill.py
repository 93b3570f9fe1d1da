"""A run that is killed at any moment goes on where it stopped, and ends with the same rows."""

import json
import os
import signal
import subprocess
import sys
import time

from privbench.storage.results import Results


def start(config, results):
    command = [
        sys.executable,
        "-m",
        "privbench",
        "run",
        "small",
        "-c",
        config,
        "--results",
        results,
    ]
    return subprocess.Popen(
        [*map(str, command), "--set", "mlp.epochs=20", "--set", 'defenses=["none", "vae", "noisy"]'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(results):
    """When each stage was written, by its file."""
    notes = (results / "artifacts").glob("*/*.json")
    return {note: note.stat().st_mtime_ns for note in notes}


def kill_after(process, results, stages, delay):
    """SIGKILL once so many stages are stored, and a little later."""
    while len(finished(results)) < stages:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.001)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def numbers(results):
    rows = Results(results).rows("small")
    return sorted(json.dumps(row | {"seconds": None}) for row in rows)


def test_killed_runs_go_on(config, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(config, whole)
    process.communicate()
    assert process.returncode == 0
    for stages, delay in [(0, 0.0), (1, 0.02), (8, 0.003)]:
        process = start(config, killed)
        before = finished(killed)
        kill_after(process, killed, len(before) + stages, delay)
        after = finished(killed)
        assert before.items() <= after.items()  # no finished stage was computed again
    process = start(config, killed)
    output, _ = process.communicate()
    assert process.returncode == 0
    assert after.items() < finished(killed).items()
    assert "none" in output
    assert numbers(killed) == numbers(whole)
    assert not [*(killed / "artifacts").rglob("*.damaged")]
