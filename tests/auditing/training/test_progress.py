"""Progress of training: the time left that the log says."""

import logging

import numpy as np
import pytest

from privbench.auditing.training import progress
from privbench.auditing.training.answers import Job
from privbench.auditing.training.progress import Progress


class Done:
    """What is known of a model that was trained."""

    seconds = asking = 0.0


@pytest.mark.parametrize(
    ("workers", "at", "left"),
    [
        (1, [30, 32, 34, 36], ["2 min", "6 s", "4 s", "2 s"]),  # the first one imports
        (2, [30, 31, 41, 41], ["2 min", "46 s", "20 s", "5 s"]),
    ],
)
def test_the_first_model_of_each_process_counts_only_until_there_are_others(
    monkeypatch, caplog, workers, at, left
):
    clock = iter([0, *at])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    caplog.set_level(logging.INFO, "privbench.auditing.training")
    jobs = [Job(f"model {i}", "key", i, np.arange(3)) for i in range(5)]
    with Progress(5) as bar:
        bar.begin(jobs, workers)
        for job, _ in zip(jobs, at, strict=False):
            bar.finished(job, Done(), stored=False)
    lines = [record.getMessage() for record in caplog.records if "trained" in record.getMessage()]
    assert [line.rsplit(", ", 1)[1] for line in lines] == [f"{time} left" for time in left]
