"""Worker processes give the models of one process, its errors, and leave nothing behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback

import numpy as np
import pytest
import torch
from torch import nn

from privbench.engine import Diverged, Population, Recipe, train_each, train_population
from privbench.engine.processes.ticker import Ticker
from privbench.engine.processes.workers import WorkerDied, can_fork, train_in_processes

from ..problems import FEATURES, MODELS, RECIPES, SEEDS, assert_same, mlp, shared_sets

CPU = torch.device("cpu")


pytestmark = pytest.mark.skipif(not can_fork(CPU), reason="processes cannot be forked here")


@pytest.fixture(autouse=True)
def no_worker_left(two_threads):
    yield
    assert not multiprocessing.active_children()
    with pytest.raises(ChildProcessError):  # none is left, dead or alive
        os.waitpid(-1, os.WNOHANG)


def train(strategy, build=None, **options):
    build = build or mlp(0.3)
    return train_population(
        build, shared_sets(), RECIPES["momentum"], SEEDS, strategy=strategy, **options
    )


class Mixing(nn.Module):
    """Has state, and draws from torch's default generator."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))

    def forward(self, x):
        return self.layers(x + 0.1 * torch.randn_like(x))


@pytest.mark.parametrize("build", [mlp(0.3), Mixing], ids=["dropout", "batch norm"])
def test_processes_give_the_models_of_one_process(build):
    alone, at_a_time = train("sequential", build), train("processes", build)
    assert_same(alone, at_a_time)
    for name, buffer in alone.buffers.items():
        assert at_a_time.buffers[name].dtype == buffer.dtype


def loop(module, x, y, rng):
    """A user's loop: every kind of randomness."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(5):
        rows = torch.from_numpy(rng.permutation(len(x))[:8])
        noise = torch.randn_like(x[rows])  # torch's default generator
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x[rows] + noise), y[rows]).backward()
        optimizer.step()


def test_loops_of_the_callers_too():
    populations = [
        train_each(mlp(0.5), shared_sets(), SEEDS, loop, strategy=strategy)
        for strategy in ("sequential", "processes")
    ]
    assert_same(*populations)


def test_batched_chunks_run_in_processes_where_there_is_enough_to_do(monkeypatch):
    monkeypatch.setattr("privbench.engine.strategies.probe.MIN_STACKED_EXAMPLES", 1)
    parent = os.getpid()

    def loss(forward, batch):
        assert os.getpid() != parent or recording[0]
        return -forward(batch.x).log_softmax(-1)[:, 0]

    recording = [True]
    monkeypatch.setattr(
        "privbench.engine.strategies.chunked.train_chunks",
        lambda *a, f=sys.modules["privbench.engine.strategies.chunked"].train_chunks, **k: (
            recording.__setitem__(0, False), f(*a, **k)
        )[1],
    )  # fmt: skip
    forked = train("batched", mlp(), loss=loss, chunk=2)
    recording[0] = True
    monkeypatch.setattr("privbench.engine.strategies.probe.MIN_STACKED_EXAMPLES", 10**9)
    assert_same(forked, train("batched", mlp(), loss=loss, chunk=MODELS))


def test_the_workers_have_one_thread_each():
    def one(models):
        return Population(mlp(), {"threads": torch.tensor([[torch.get_num_threads()]])}, {})

    found = train_in_processes(mlp(), [range(0, 1), range(1, 2)], 2, one, Ticker(2, print))
    assert [int(part.params["threads"]) for part in found] == [1, 1]


def test_progress_is_told_to_this_process_alone():
    seen = []
    train("processes", progress=lambda done, total: seen.append((os.getpid(), done, total)))
    assert {pid for pid, _, _ in seen} == {os.getpid()}
    assert {total for *_, total in seen} == {15}
    done = [count for _, count, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 15


class Odd(Exception):
    """Cannot be pickled."""

    def __init__(self, a, b):
        super().__init__(a)
        self.handle = lambda: b


def failing(module, x, y, rng):
    raise Odd("no luck", 2)  # the line that is looked for


def test_an_error_is_the_one_of_the_code_that_failed():
    with pytest.raises(Odd, match="no luck") as caught:
        train_each(mlp(), shared_sets(), SEEDS, failing, strategy="processes")
    assert "the line that is looked for" in traceback.format_tb(caught.tb)[-1]


def test_a_diverged_model_is_named():
    with pytest.raises(Diverged, match=r"model \d diverged in epoch 1 of 3"):
        train_population(
            mlp(), shared_sets(), Recipe("sgd", 1e38, 0.9, 0.0, 3, 8), SEEDS, strategy="processes"
        )


def test_an_error_that_does_not_come_again_is_told_with_its_traceback():
    parent = os.getpid()

    def fail_elsewhere(module, x, y, rng):
        if os.getpid() != parent:
            raise KeyError("only there")

    with pytest.raises(WorkerDied, match=r"(?s)models \d to \d failed.*KeyError: 'only there'"):
        train_each(mlp(), shared_sets(), SEEDS, fail_elsewhere, strategy="processes")


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal SIGKILL"),
        (lambda: os._exit(0), "exit status 0"),
    ],
)
def test_a_worker_that_ends_is_an_error(end, how):
    parent = os.getpid()

    def stop(module, x, y, rng):
        if os.getpid() != parent:
            end()

    with pytest.raises(WorkerDied, match=rf"trained models \d to \d ended with {how}"):
        train_each(mlp(), shared_sets(), SEEDS, stop, strategy="processes")


@pytest.fixture
def ctrl_c():
    """A process that was started in the background ignores it, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_ends_the_workers(tmp_path, ctrl_c):
    def wait(module, x, y, rng):
        (tmp_path / str(os.getpid())).touch()
        time.sleep(60)

    def interrupt():
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    started = time.monotonic()
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        train_each(mlp(), shared_sets(), SEEDS, wait, strategy="processes")
    thread.join()
    assert time.monotonic() - started < 30


def test_workers_end_with_their_parent():
    code = """
        import os, sys, time, torch
        import numpy as np
        from torch import nn
        from privbench.engine import TrainingSets, train_each

        def wait(module, x, y, rng):
            os.write(1, f"{os.getpid()}\\n".encode())  # at once: two workers share the pipe
            time.sleep(60)

        torch.set_num_threads(2)
        sets = TrainingSets.shared(np.zeros((2, 2), np.float32), np.zeros(2, int), np.zeros((2, 2), int))
        train_each(lambda: nn.Linear(2, 2), sets, [0, 1], wait, strategy="processes")
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") and not _is_zombie(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_core_for_each_worker(monkeypatch):
    from privbench.engine.processes.threads import workers_for

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    assert workers_for(CPU) == 1
    assert np.all(train("auto").params["0.weight"].numpy() != 0)
