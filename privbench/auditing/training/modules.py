"""Ask torch modules about records in any container."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.records import is_sparse, is_tensor
from privbench.errors import DataError

BATCH = 1024
"""Number of records that a torch module answers at a time."""


def ask_module(module: Any, x: Any) -> NDArray[np.float64]:
    """Return the outputs of a torch module, in eval mode and batches, on the device of the module."""
    import torch

    parameter = next(iter(module.parameters()), None)
    tensor = _tensor(x)
    if parameter is not None and tensor.is_floating_point():
        tensor = tensor.to(parameter.dtype)
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            outputs = [
                module(part if parameter is None else part.to(parameter.device))
                for part in tensor.split(BATCH)
            ]
    finally:
        module.train(was_training)
    if not all(isinstance(one, torch.Tensor) for one in outputs):
        raise DataError(
            f"the module returned {type(outputs[0]).__name__}; it must return a tensor of logits or"
            " probabilities (records, classes), or train must return a function"
        )
    return torch.cat(outputs).double().cpu().numpy()


def _tensor(x: Any) -> Any:
    import torch

    if is_tensor(x):
        return x
    if is_sparse(x):
        x = x.toarray()
    if isinstance(x, list | tuple) and x and is_tensor(x[0]):
        return torch.stack(list(x))
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise DataError(
            "x has values that are no numbers, which a torch module cannot take; let train return a"
            " function that encodes records as the training does:"
            " lambda x: module(encode(x)).softmax(-1)"
        )
    if array.dtype.kind == "f" and array.dtype != np.float32:
        array = array.astype(np.float32)
    return torch.tensor(array)
