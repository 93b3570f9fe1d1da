"""What third-party code prints and switches."""

import os
import random
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from privbench.components import switches as switches_module
from privbench.components.contained import contained
from privbench.data import read_only


def test_what_is_printed_goes_to_stderr(capsys):
    with contained():
        print("hello")
        sys.stdout.write("there\n")
    print("data")
    assert tuple(capsys.readouterr()) == ("data\n", "hello\nthere\n")


def test_worker_processes_print_to_stderr_too(capfd):
    from privbench.engine import TrainingSets, train_each

    def train(module, x, y, rng):
        print("worker", os.getpid() == parent, flush=True)

    parent, sets = (
        os.getpid(),
        TrainingSets.own(np.zeros((2, 4, 3), "float32"), np.zeros((2, 4), int)),
    )
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with contained():
            train_each(lambda: torch.nn.Linear(3, 2), sets, [0, 1], train, strategy="processes")
    finally:
        torch.set_num_threads(before)
    captured = capfd.readouterr()
    assert "worker" not in captured.out
    assert captured.err.count("worker") == 2


def switches():
    return (
        os.getcwd(),
        np.geterr(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.is_warn_always_enabled(),
        list(warnings.filters),
        sys.stdout,
    )


def switch(tmp_path):
    os.chdir(tmp_path)
    np.seterr(all="raise")
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_num_threads(3)
    warnings.simplefilter("error")


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_switches_are_switched_back(tmp_path, monkeypatch, error):
    monkeypatch.chdir(tmp_path.parent)
    before = switches()
    try:
        with contained():
            switch(tmp_path)
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    assert switches() == before


def test_a_tensor_that_shares_read_only_memory_is_refused_each_time():
    array = read_only(np.zeros(3, np.float32))
    for _ in range(2):
        with contained(), pytest.raises(UserWarning, match="not writable"):
            torch.from_numpy(array)
        with contained():
            assert torch.tensor(array).sum() == 0
            assert torch.from_numpy(array.copy()).sum() == 0


def test_a_working_directory_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with contained():
        pass


def test_streams_are_restored_and_stay_open(capsys):
    before = sys.stdout, sys.stderr, sys.__stdout__
    with contained():
        print("to stderr", file=sys.__stdout__)
        sys.stdout.close()
        sys.stderr = None
    assert (sys.stdout, sys.stderr, sys.__stdout__) == before
    print("still there", file=sys.stderr)
    captured = capsys.readouterr()
    assert captured.err.split("\n")[:2] == ["to stderr", "still there"]
    assert captured.out == ""


def test_default_device_and_recursion_limit_are_restored():
    before = torch.get_default_device(), sys.getrecursionlimit()
    with contained():
        torch.set_default_device("meta")
        sys.setrecursionlimit(before[1] + 100)
    assert (torch.get_default_device(), sys.getrecursionlimit()) == before


def changes(code):
    """What code changes as a plugin does at import, by its name."""
    found = []
    with contained("", found):
        exec(code, {"torch": torch, "np": np, "os": os, "signal": signal, "random": random})
    return found


@pytest.mark.parametrize(
    ("code", "name", "get"),
    [
        ("os.umask(0o777)", "the file mode mask", switches_module._mask),
        ("os.environ['HOME'] = 'x'", "environment variables", lambda: os.environ["HOME"]),
        ("del os.environ['HOME']", "environment variables", lambda: os.environ["HOME"]),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "the handler of SIGTERM",
         lambda: signal.getsignal(signal.SIGTERM)),
        ("torch.backends.cuda.matmul.allow_tf32 = True", "torch's precision of matrix products (TF32)",
         lambda: torch.backends.cuda.matmul.allow_tf32),
        ("torch.set_num_threads(7)", "the number of threads of torch", torch.get_num_threads),
        ("random.seed(0)", "random numbers of Python", random.getstate),
        ("np.random.seed(0)", "random numbers of NumPy", switches_module._numpy_state),
        ("torch.manual_seed(0)", "random numbers of torch", torch.initial_seed),
    ],
)  # fmt: skip
def test_what_an_import_changes_is_named_and_put_back(code, name, get):
    before = get()
    assert name in changes(code)
    if get is not torch.initial_seed:  # which is that of the last call, and no state
        assert get() == before
    assert changes("pass") == []


def test_who_changes_a_setting_is_warned_of_once(caplog):
    for _ in range(2):
        with contained("attack mine (mine.py)"):
            sys.setrecursionlimit(sys.getrecursionlimit() + 1)
    assert caplog.messages == [
        "attack mine (mine.py) changed the recursion limit; this was put back"
    ]


TORCH = """
import sys
from privbench.components.contained import contained
changes = []
with contained("", changes):
    import torch
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 2)
    torch.set_default_device("meta")
assert torch.get_num_threads() == threads
assert torch.get_default_device().type == "cpu"
assert changes == ["the default device of torch", "the number of threads of torch"], changes
"""


@pytest.mark.slow
def test_settings_of_torch_that_is_imported_by_who_changes_them():
    subprocess.run([sys.executable, "-c", TORCH], check=True)
