"""Arrays in, tensors out, without a copy."""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array: TypeAlias = Tensor | NDArray[np.generic]


def as_tensor(array: Array) -> Tensor:
    """A tensor that shares the array's memory, also if that is read-only: the engine never writes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.as_tensor(array)
