"""Arrays become tensors that share their memory."""

import warnings

import numpy as np
import torch

from privbench.engine.core.arrays import as_tensor


def test_memory_is_shared_also_of_read_only_arrays():
    array = np.arange(4.0)
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = as_tensor(array)
    assert np.shares_memory(tensor.numpy(), array)
    assert as_tensor(tensor) is tensor
    assert tensor.dtype == torch.float64
