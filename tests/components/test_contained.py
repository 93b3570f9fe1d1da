"""What third-party code prints and switches."""

import os
import sys
import warnings

import numpy as np
import pytest
import torch

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


def test_torch_that_is_imported_meanwhile(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    with contained():
        sys.modules["torch"] = torch
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


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
