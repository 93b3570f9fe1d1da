"""Choose how many threads torch's operations use.

A step of a small dense model takes a few milliseconds. Split between two threads it gains nothing, and
if another process needs the same core, each operation waits for the thread that was suspended: DP-SGD on
an MLP 446-128-30 took 3.5 ms per step on one thread, and 25 to 39 ms on two, on a busy machine of 2
cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from privbench.engine.core.architecture import CONVOLUTIONS

SMALL = 2**20
"""Number of parameters up to which a dense model is trained on one thread."""


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let each of torch's operations use one thread; restore the number of threads on leaving."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def threads_for(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Use one thread for a small dense module on a CPU; restore the number of threads on leaving."""
    before = torch.get_num_threads()
    if device.type == "cpu" and is_small(module):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def is_small(module: nn.Module) -> bool:
    """Return whether a training step of ``module`` is too little work to share between threads."""
    convolves = any(isinstance(part, CONVOLUTIONS) for part in module.modules())
    return not convolves and sum(p.numel() for p in module.parameters()) <= SMALL


def workers_for(device: torch.device) -> int:
    """Return how many chunks can be trained side by side: 1 unless ``device`` is a CPU.

    It is the number of threads that torch may use, but no more than the cores that this process may run
    on, because two threads that share a core wait for each other.
    """
    if device.type != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(torch.get_num_threads(), cores or 1)
