"""The device that computes: its name, and whether this machine has it."""

from __future__ import annotations

import re

from privbench.errors import BadInput
from privbench.imports import imports


def check_device(name: str) -> str:
    """Check the name of a device and return it, without importing torch.

    Raises:
        BadInput: the name is not ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise BadInput(f"--device {name}: unknown device (allowed: auto, cpu, cuda, cuda:0, ...)")
    return name


def resolve_device(name: str) -> str:
    """Return the torch device for a name; ``auto`` is ``cuda`` if there is a GPU, else ``cpu``.

    Raises:
        BadInput: the name is wrong, or this machine has no such device.
    """
    with imports():
        import torch

    check_device(name)
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        count = torch.cuda.device_count()
        index = int(name.partition(":")[2] or 0)
        if index >= count:
            raise BadInput(f"--device {name}: this machine has {count} CUDA devices")
    return name
