"""Audits of a training procedure that are killed, or run twice at once."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from privbench.auditing.training.answers import Job, Trained, load, save
from privbench.auditing.training.classification import Answer
from privbench.storage.artifacts import Store

JOB = Job("model 0", "k" * 64, 0, np.arange(3))
WORKER = """
import os, time
from privbench.auditing.training.population import _end_with
_end_with(os.getppid())
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux for processes")
def test_a_worker_ends_with_the_main_process_however_that_ends():
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORKER!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as main:
        worker = int(main.stdout.readline())
        assert Path(f"/proc/{worker}").exists()
        main.send_signal(signal.SIGKILL)
    end = time.monotonic() + 30
    while _runs(worker) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs(worker)


def test_two_audits_may_store_other_answers_of_the_same_model(tmp_path, caplog):
    """As training without a seed gives; the files of one do not go with those of the other."""
    n = 40

    def audit(number):
        for repeat in range(n):
            values = np.full((3, 2), 100.0 * number + repeat)
            answer = Answer("probs", values)
            save(Store(tmp_path), JOB, None, Trained(answer, answer, 1.0))
            found = load(Store(tmp_path), JOB, None)
            assert found is not None
            assert (found.on_records.values == found.on_reference.values).all()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(audit, range(3)))
    assert "damaged" not in caplog.text
    assert not [*tmp_path.rglob("*.damaged*")]


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
