"""Files of arrays and of tables. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, is_zipfile

import numpy as np
from numpy.typing import NDArray

from privbench.components.messages import near_file
from privbench.datasets.frames import read_frame
from privbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TEXTS = (".csv", ".tsv", ".txt")
TABLES = (*TEXTS, ".parquet", ".pq")
PICKLES = (".pkl", ".pickle", ".joblib")
FORMATS = ".csv, .tsv, .parquet, .npz, .safetensors, .pt"


def read_file(path: Path) -> pd.DataFrame | dict[str, Any]:
    """Return the table or the arrays of a file."""
    if path.is_dir():
        raise DataError(f"{path}: is a folder; give a file in it ({FORMATS})")
    if not path.is_file():
        raise DataError(f"{path}: no such file{near_file(path)}")
    suffix = suffix_of(path)
    if suffix in TABLES:
        return read_frame(path)
    if suffix in READERS:
        arrays: dict[str, Any] = READERS[suffix](path)
        return arrays
    pickled = "; a pickle can run any code, and is never read" if suffix in PICKLES else ""
    raise DataError(f"{path}: unknown format {suffix!r}{pickled} (allowed: {FORMATS})")


def suffix_of(path: Path) -> str:
    """Return the end of a name that says what a file holds, in lower case."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _read_npz(path: Path) -> dict[str, Any]:
    if not is_zipfile(path):
        raise DataError(
            f"{path}: not a readable .npz file; write it with np.savez(file, probs=..., ...)"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: _member_of(file, name, path) for name in file.files}
    except (BadZipFile, EOFError, OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable .npz file: {error}") from None


def _member_of(file: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise DataError(f"{path}: {name} cannot be read: {error}") from None
        raise DataError(
            f"{path}: {name} holds Python objects, which are never unpickled; save numbers, texts or"
            f" truth values, such as {name}=np.array(values.tolist())"
        ) from None
    return array


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (KeyError, AttributeError, TypeError):  # a number format that NumPy lacks
        from safetensors.torch import load_file as load_tensors

        return dict(load_tensors(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable .safetensors file: {error}") from None


def _read_torch(path: Path) -> dict[str, Any]:
    import torch

    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds, some with pages of advice
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "weights_only" in str(error):
            reason = "it holds more than tensors, lists, numbers and texts; nothing is unpickled"
        raise DataError(
            f"{path}: not a readable file of tensors: {reason}; write it with"
            " torch.save({'logits': ..., 'labels': ..., 'member': ...}, file)"
        ) from None
    if not isinstance(tensors, dict) or not all(isinstance(name, str) for name in tensors):
        raise DataError(
            f"{path}: holds {type(tensors).__name__}, expected tensors by name:"
            " torch.save({'logits': ..., 'labels': ..., 'member': ...}, file)"
        )
    return tensors


READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".npz": _read_npz, ".safetensors": _read_safetensors, ".pt": _read_torch, ".pth": _read_torch,
}  # fmt: skip
