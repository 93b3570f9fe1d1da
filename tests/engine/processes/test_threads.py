"""How many threads and workers there are."""

import pytest
import torch
from torch import nn

from privbench.engine.processes.threads import is_small, threads_for, workers_for

CPU = torch.device("cpu")


def test_workers_are_torchs_threads(two_threads):
    assert workers_for(CPU) == 2
    assert workers_for(torch.device("cuda")) == 1


@pytest.mark.parametrize(
    ("module", "small"),
    [
        (nn.Linear(446, 128), True),
        (nn.Linear(2000, 1000), False),
        (nn.Conv2d(1, 16, 3), False),
        (nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(4, 4))), True),
    ],
)
def test_small_dense_modules(module, small):
    assert is_small(module) == small


def test_one_thread_inside_and_all_outside():
    before = torch.get_num_threads()
    with threads_for(nn.Linear(3, 3), CPU):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_an_error_puts_the_threads_back():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), threads_for(nn.Linear(3, 3), CPU):
        raise KeyError
    assert torch.get_num_threads() == before


def test_other_modules_and_devices_keep_theirs():
    before = torch.get_num_threads()
    with threads_for(nn.Conv2d(1, 1, 1), CPU), threads_for(nn.Linear(1, 1), torch.device("cuda")):
        assert torch.get_num_threads() == before
