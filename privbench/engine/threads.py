"""How many threads one model's training is worth.

A step of a small dense model takes a few milliseconds. Split between two threads it gains nothing, and
where another process wants the same core, each operation waits for the thread that was put aside:
DP-SGD on an MLP 446-128-30 took 3.5 ms a step on one thread and 25 to 39 on two, on a busy machine of
2 cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from privbench.engine.choice import CONVOLUTIONS

SMALL = 2**20
"""Parameters up to which a dense model is trained on one thread."""


@contextmanager
def threads_for(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Use one thread for a small dense module on a CPU; all of them again on leaving."""
    before = torch.get_num_threads()
    if device.type == "cpu" and is_small(module):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def is_small(module: nn.Module) -> bool:
    """Whether training it is too little work to share."""
    convolves = any(isinstance(part, CONVOLUTIONS) for part in module.modules())
    return not convolves and sum(p.numel() for p in module.parameters()) <= SMALL
