import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import privbench_submitit
import pytest
from privbench_submitit import Slurm

import privbench

BENCHMARK = """
[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[benchmarks.b]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 2, batch_size = 16 }}]
defenses = ["none", "noisy"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 4
canaries = 0
"""
DEADLY = '''
import os, signal
from pathlib import Path
import privbench


class Deadly(privbench.Attack):
    """Kills its process, once."""

    name = "deadly"

    def score(self, view):
        mark = Path("{folder}", "died")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return view.target.log_prob_of(view.labels)


@privbench.hookimpl
def register_attacks(register):
    register(Deadly)
'''


@pytest.fixture
def config(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = rng.normal(size=(160, 8)) + 0.5 * y[:, None]
    np.savez(tmp_path / "blobs.npz", x=x.astype(np.float32), y=y.astype(np.int64))
    path = tmp_path / "benchmarks.toml"
    path.write_text(BENCHMARK.format(blobs=tmp_path / "blobs.npz"))
    return path


def run(config, executor, results, **options):
    rows = privbench.run(
        "b",
        config=config,
        results=results,
        device="cpu",
        executor=executor,
        progress=False,
        **options,
    )
    return json.loads(rows.drop(columns="seconds").to_json(orient="records"))


class FakeTask:
    def __init__(self, key):
        self.key, self.inputs, self.payload = key, (f"data/{key[0]}",), key.encode()


class FakeTasks:
    """Tasks that are finished by what their worker returns."""

    def __init__(self, folder, keys):
        self.folder, self.waiting = folder, [FakeTask(key) for key in keys]
        self.results, self.losses, self.reads = {}, [], []
        self.n, self.limits = len(keys), SimpleNamespace(seconds=None, memory=None)

    @property
    def unfinished(self):
        return len(self.results) < self.n

    def ready(self, limit=None):
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def read(self, name):
        self.reads.append(name)
        return name.encode()

    def finish(self, task, result):
        self.results[task.key] = result

    def lost(self, task, reason):
        self.losses.append((task.key, reason))
        self.waiting.append(task)

    def progress(self, task, done, total):
        pass


class FakeJob:
    """A job that computes at once what is ready; the first one dies with a task."""

    def __init__(self, id_, folder, store, monkeypatch):
        self.job_id, self.state = id_, "NODE_FAIL"
        if id_ == "1":
            privbench_submitit._claim(folder, id_)
        else:
            while claimed := privbench_submitit._claim(folder, id_):
                privbench_submitit._compute(claimed, folder, store)

    def done(self):
        return True

    def cancel(self, check):
        raise AssertionError("it has ended")

    class paths:
        class result_pickle:
            exists = staticmethod(lambda: True)


def test_tasks_of_a_job_that_died_are_computed_by_another(tmp_path, monkeypatch):
    jobs, tasks = [], FakeTasks(tmp_path, ["a1", "a2", "b1", "b2", "b3"])

    def submit(self, n, folder, store):
        jobs.append(FakeJob(str(len(jobs) + 1), folder, store, monkeypatch))
        return jobs[-1:]

    def work(payload, store, inputs, report):
        report(1, 2)
        return payload + b" with " + b"".join(path.read_bytes() for path in inputs.values())

    monkeypatch.setattr(Slurm, "submit", submit)
    monkeypatch.setattr(privbench_submitit, "work", work)
    monkeypatch.setattr(privbench_submitit, "JOBS_SECONDS", 0.0)
    monkeypatch.setattr(privbench_submitit, "POLL_SECONDS", 0.01)
    Slurm(cluster="local", jobs=1).execute(tasks)
    assert tasks.losses == [("a1", "its job 1 ended (NODE_FAIL)")]
    assert tasks.results == {key: f"{key} with data/{key[0]}".encode() for key in tasks.results}
    assert len(tasks.results) == 5
    assert tasks.reads == ["data/a", "data/b"]  # each is written once
    assert list(tmp_path.iterdir()) == []


def test_the_entry_point_makes_it_an_executor_of_privbench():
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="slurm")]


@pytest.mark.parametrize(
    ("executor", "message"),
    [("slurm[jobs=0]", "jobs"), ("slurm[cluster=lsf]", "cluster"), ("slurm[gpu=1]", "'gpus'")],
)
def test_a_wrong_parameter_is_named(config, tmp_path, executor, message):
    with pytest.raises(privbench.BadInput, match=message):
        run(config, executor, tmp_path / "results")


@pytest.mark.slow
def test_rows_are_those_of_this_process_and_a_job_that_dies_is_replaced(config, tmp_path):
    plugin = tmp_path / "deadly.py"
    plugin.write_text(DEADLY.format(folder=tmp_path))
    options = {"plugins": plugin, "set": {"attacks": ["loss", "deadly"]}}
    there = run(config, "slurm[cluster=local, jobs=2]", tmp_path / "jobs", **options)
    assert (tmp_path / "died").exists()
    here = run(config, "local", tmp_path / "local", **options)
    assert [row["status"] for row in here] == ["ok"] * 4
    assert there == here
    assert not (tmp_path / "jobs" / "slurm").exists()


@pytest.mark.slow
def test_ctrl_c_ends_all_jobs(config, tmp_path):
    plugin = tmp_path / "sleepy.py"
    plugin.write_text(
        DEADLY.format(folder=tmp_path).replace(
            "os.kill(os.getpid(), signal.SIGKILL)", "__import__('time').sleep(600)"
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "privbench", "run", "b", "-c", str(config), "-p", str(plugin),
         "--results", str(tmp_path / "r"), "--executor", "slurm[cluster=local, jobs=1]",
         "--set", 'attacks=["deadly"]'],
        start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + 240
    while not (tmp_path / "died").exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)  # to the main process alone, as Slurm's jobs get none
    assert process.wait(60) != 0
    for _ in range(100):
        left = [p for p in _processes() if str(tmp_path) in p]
        if not left:
            break
        time.sleep(0.1)
    assert left == []


def _processes():
    """Yield the command lines of all processes."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                yield file.read().decode(errors="replace")
        except OSError:
            continue
