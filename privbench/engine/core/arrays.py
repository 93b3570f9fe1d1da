"""Convert arrays to tensors without a copy."""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array: TypeAlias = Tensor | NDArray[np.generic]


def as_tensor(array: Array) -> Tensor:
    """Return a tensor that shares the memory of ``array``.

    Read-only arrays are accepted without torch's warning, because the engine never writes to its data.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.as_tensor(array)
