"""Records as users have them: NumPy arrays, DataFrames, sparse matrices, torch tensors or lists."""

from __future__ import annotations

import hashlib
import pickle
import sys
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.errors import DataError


def count(records: Any, name: str) -> int:
    """Return the number of records.

    Raises:
        DataError: they are not in a container that can be divided into rows.
    """
    shape = getattr(records, "shape", None)
    if isinstance(records, str | bytes | dict) or (
        shape is None and not hasattr(records, "__len__")
    ):
        raise DataError(
            f"{name} is of type {type(records).__name__} (allowed: a NumPy array, a DataFrame, a sparse"
            " matrix, a torch tensor or a list, with a record in each row)"
        )
    if shape is not None and len(shape) == 0:
        raise DataError(f"{name} is a single number; it must have a record in each row")
    return int(len(records) if shape is None else shape[0])


def take(records: Any, rows: NDArray[np.int64]) -> Any:
    """Return a copy of some rows, in the container in which the records are."""
    if hasattr(records, "iloc"):
        return records.iloc[rows].copy()
    if isinstance(records, list | tuple):
        return [records[i] for i in rows.tolist()]
    if is_tensor(records):
        import torch

        return records[torch.as_tensor(rows, device=records.device)]
    try:
        return records[rows]
    except Exception as error:  # the container is the user's, and may raise anything
        raise DataError(
            f"records of type {type(records).__name__} cannot be divided: {error!s:.200} (allowed: a"
            " NumPy array, a DataFrame, a sparse matrix, a torch tensor or a list)"
        ) from None


def is_tensor(value: Any) -> bool:
    """Return whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_sparse(value: Any) -> bool:
    """Return whether a value is a sparse matrix of SciPy."""
    return hasattr(value, "tocsr") and hasattr(value, "nnz")


def digest_of(records: Any) -> str:
    """Return a sha256 of the values and types of records.

    Objects in a list that cannot be pickled get a new digest each time, so that nothing stored is ever
    taken for theirs.
    """
    sha256 = hashlib.sha256()
    _update(sha256.update, records)
    return sha256.hexdigest()


def _update(add: Callable[[bytes], None], value: Any) -> None:
    add(f"{type(value).__module__}.{type(value).__qualname__}:".encode())
    if hasattr(value, "iloc"):
        import pandas as pd

        columns = value.items() if value.ndim == 2 else [(value.name, value)]
        for name, column in columns:
            add(f"{name!r} {column.dtype}".encode())
            if isinstance(column.dtype, pd.CategoricalDtype):  # their order gives the codes
                _update(add, [column.dtype.ordered, *column.dtype.categories])
            try:
                hashed = pd.util.hash_pandas_object(column, index=True, categorize=False)
                add(hashed.to_numpy().tobytes())
            except (TypeError, ValueError):  # of lists or arrays in cells
                _update(add, [*column.index, *column])
    elif is_sparse(value):
        rows = value.tocsr()
        for part in (np.array(rows.shape), rows.data, rows.indices, rows.indptr):
            _update(add, part)
    elif is_tensor(value):
        import torch

        add(f"{value.dtype} {tuple(value.shape)}".encode())
        add(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    elif isinstance(value, np.ndarray):
        add(f"{value.dtype} {value.shape}".encode())
        if value.dtype.hasobject:
            _update(add, value.ravel().tolist())
        else:
            add(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, list | tuple):
        add(str(len(value)).encode())
        for one in value:
            _update(add, one)
    elif value is None or isinstance(value, str | bytes | bool | int | float | np.generic):
        add(f"{value!r};".encode())
    else:
        try:
            add(pickle.dumps(value, protocol=4))
        except (
            Exception
        ):  # an object of the user's: whatever it raises, it cannot be told from others
            add(uuid.uuid4().bytes)
