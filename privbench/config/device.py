"""Which device computes."""

from __future__ import annotations

import re

from privbench.errors import BadInput


def check_device(name: str) -> str:
    """Check the spelling, without importing torch."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise BadInput(f"--device {name}: unknown device (allowed: auto, cpu, cuda, cuda:0, ...)")
    return name


def resolve_device(name: str) -> str:
    """A torch device for ``auto``, ``cpu``, ``cuda`` or ``cuda:i``; BadInput if it is not there."""
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
