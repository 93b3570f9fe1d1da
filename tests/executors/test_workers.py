"""What third-party code does to its worker process harms nobody, and names it."""

import os
import signal
import time
from pathlib import Path

import pytest

from privbench.executors.processes import Processes
from privbench.executors.tasks import Limits
from privbench.executors.workers.forking import ForkServer

from .conftest import PLUGIN, numbers

HOSTILE = '''
import ctypes
import os
import signal
import stat
import struct
import sys
import time
from pathlib import Path

import numpy as np
import privbench

FOLDER = Path({folder!r})


def first_time():
    """Return whether this is asked for the first time, in whichever process."""
    try:
        os.close(os.open(FOLDER / "once", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def send(kind, size):
    """Send the head of a message, and no more of it than a byte, on the connection of the worker."""
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.write(number, struct.pack("<cQ", kind, size) + b"x")
        except OSError:
            pass


class Mine(privbench.Attack):
    """Mine."""

    name = "mine"

    def score(self, view):
        (FOLDER / "pid").write_text(str(os.getpid()))
        {code}
        return view.target.log_prob_of(view.labels)


@privbench.hookimpl
def register_attacks(register):
    register(Mine)
'''
BOTH = 'attacks=["mine", "loss"]'


@pytest.fixture
def hostile(runner, write, tmp_path):
    """Run an attack that does this, beside an ordinary one; return the rows by attack."""

    def hostile(code, *, executor=None, results="results", **options):
        plugin = write(HOSTILE.format(folder=str(tmp_path), code=code))
        one = runner(BOTH, plugin=plugin, in_process=False, results=results, **options)
        if executor is not None:
            one.executor = executor
        return {row["attack"]: row for row in one.run()}

    return hostile


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("os._exit(0)", "its worker ended with exit status 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)",
         "its worker was killed by signal 9 (SIGKILL), perhaps for memory"),
        ("ctypes.string_at(0)", "its worker was killed by signal 11 (SIGSEGV)"),
        ("os.fork() or time.sleep(600); os._exit(3)", "its worker ended with exit status 3"),
        ("os.closerange(3, 1000); time.sleep(60)", "its worker"),
        ("send(b'r', 2**30); os.fork() or time.sleep(600); os._exit(3)",
         "its worker ended with exit status 3"),
        ("send(b'q', 1)", "its worker sent something that is no result"),
    ],
)  # fmt: skip
def test_its_death_is_a_failed_trial_that_names_it(hostile, code, how):
    rows = hostile(code)
    assert rows["mine"]["status"] == "failed"
    assert rows["mine"]["reason"].startswith("scores: ")
    assert f"mine.py: {how}" in rows["mine"]["reason"]
    assert rows["loss"]["status"] == "ok"


@pytest.mark.parametrize(
    "executor", [None, pytest.param(Processes(workers=2), marks=pytest.mark.slow)]
)
def test_a_task_whose_worker_dies_once_is_tried_again(hostile, executor):
    rows = hostile("if first_time(): os.kill(os.getpid(), signal.SIGKILL)", executor=executor)
    assert [row["status"] for row in rows.values()] == ["ok", "ok"]


@pytest.mark.slow
def test_a_task_that_takes_too_long_or_too_much_memory_is_stopped(hostile):
    start = time.monotonic()
    rows = hostile("time.sleep(600)", limits=Limits(seconds=1.0))
    assert (rows["mine"]["status"], rows["loss"]["status"]) == ("timeout", "ok")
    assert "it took longer than 1 s (--timeout)" in rows["mine"]["reason"]
    code = "kept = np.ones(2**28); time.sleep(600)"
    rows = hostile(code, limits=Limits(memory=2**30), results="other")
    assert (rows["mine"]["status"], rows["loss"]["status"]) == ("failed", "ok")
    assert "MiB of memory, and --memory allows 1,024 MiB" in rows["mine"]["reason"]
    assert time.monotonic() - start < 300


@pytest.mark.slow
def test_what_prints_without_end_is_stopped_in_time(hostile, capfd):
    rows = hostile("while True: os.write(1, b'x' * 4095 + b'\\n')", limits=Limits(seconds=1.0))
    assert (rows["mine"]["status"], rows["loss"]["status"]) == ("timeout", "ok")
    capfd.readouterr()


def test_a_server_whose_answer_is_not_waited_for_is_not_asked_again(monkeypatch):
    """Its next answer would be that to another question: the process id of another worker."""

    def interrupted(server):
        raise KeyboardInterrupt

    server = ForkServer()
    monkeypatch.setattr(ForkServer, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        server.fork(0, 1)
    assert not server.is_alive


def test_a_server_ends_with_its_own_process_and_not_with_a_fork_of_that():
    server = ForkServer()
    pid = os.fork()
    if pid == 0:
        try:
            server.close()
            is_connected = server._control.fileno() >= 0  # else the server would end with the fork
        finally:
            os._exit(is_connected)
    assert os.waitpid(pid, 0)[1] == 0
    assert server.is_alive
    server.close()
    assert not server.is_alive


def test_what_it_prints_goes_to_stderr_with_its_name(hostile, capfd):
    code = (
        "print('python'); os.write(1, b'descriptor\\x1b[2J\\n');"
        " sys.stdout.flush(); ctypes.CDLL(None).puts(b'library'); ctypes.CDLL(None).fflush(None)"
    )
    assert hostile(code)["mine"]["status"] == "ok"
    printed = capfd.readouterr()
    assert printed.out == ""
    lines = set(printed.err.splitlines())
    for word in ("python", r"descriptor\x1b[2J", "library"):
        assert any(line.endswith(f"mine.py: {word}") for line in lines), lines


SWITCHES = """
        import random, torch
        torch.set_num_threads(3); torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False); torch.use_deterministic_algorithms(True)
        sys.setrecursionlimit(100_000); os.chdir("/"); os.umask(0); os.environ["HOME"] = "/"
        signal.signal(signal.SIGINT, signal.SIG_IGN); sys.stdout = None
        np.random.seed(0); random.seed(0); torch.manual_seed(0)
"""


@pytest.mark.slow
def test_switches_that_it_changes_are_those_of_its_worker(hostile, tmp_path, monkeypatch):
    alone = hostile("pass")
    before = os.getcwd(), dict(os.environ), signal.getsignal(signal.SIGINT)
    rows = hostile(SWITCHES.strip(), results="other")
    assert {k: v for k, v in rows["loss"].items() if k != "seconds"} == {
        k: v for k, v in alone["loss"].items() if k != "seconds"
    }
    assert rows["mine"]["auc"] == alone["mine"]["auc"]
    assert (os.getcwd(), dict(os.environ), signal.getsignal(signal.SIGINT)) == before
    assert int((tmp_path / "pid").read_text()) != os.getpid()


@pytest.mark.slow
@pytest.mark.parametrize("executor", [None, Processes(workers=1)])
def test_functions_that_it_replaces_are_those_of_its_worker(hostile, executor):
    code = "import privbench.metrics.roc as roc; vars(roc).clear(); privbench.Attack.score_all = 1"
    rows = hostile(code, executor=executor)
    assert rows["loss"]["status"] == "ok"


def has_ended(pid):
    """Whether a process has ended, or is about to within a second."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.slow
def test_no_worker_outlives_the_run(hostile, tmp_path):
    code = "if os.fork() == 0: (FOLDER / 'pid').write_text(str(os.getpid())); time.sleep(600)"
    assert hostile(code)["mine"]["status"] == "ok"
    assert has_ended(int((tmp_path / "pid").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("executor", [None, Processes(workers=2)])
def test_workers_end_with_the_main_process(hostile, tmp_path, executor):
    """Also by Ctrl-C, here while the first of them computes."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        code = f"os.kill({os.getpid()}, signal.SIGALRM); time.sleep(600)"
        with pytest.raises(KeyboardInterrupt):
            hostile(code, executor=executor)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert has_ended(int((tmp_path / "pid").read_text()))


@pytest.mark.slow
def test_estimators_of_a_plugin_are_fitted_in_the_worker_and_kept(runner, write):
    chosen = ('models=["nearest-mean"]', 'attacks=["certainty"]')
    here = runner(*chosen, plugin=write(PLUGIN)).run()
    there = runner(*chosen, plugin=write(PLUGIN), results="there", in_process=False).run()
    assert numbers(there) == numbers(here)
