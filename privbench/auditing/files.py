"""Files of arrays and of tables. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from privbench.bounds import most_bytes, too_large
from privbench.components.messages import near_file
from privbench.datasets.frames import read_frame
from privbench.errors import DataError
from privbench.npz import check_zip, read_npz

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
    return dict(read_npz(path, str(path), path.stat().st_size))


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    try:
        try:
            return dict(load_file(path))
        except (KeyError, AttributeError, TypeError):  # a number format that NumPy lacks
            from safetensors.torch import load_file as load_tensors

            return dict(load_tensors(path))
    except Exception as error:  # safetensors, NumPy and torch raise many kinds for damaged files
        raise DataError(f"{path}: not a readable .safetensors file: {_reason(error)}") from None


def _read_torch(path: Path) -> dict[str, Any]:
    import torch

    check_zip(path, str(path), "torch.save writes tensors without compression")
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds, some with pages of advice
        reason = _reason(error)
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
    _check_size(path, tensors)
    return tensors


def _check_size(path: Path, tensors: dict[str, Any]) -> None:
    """Refuse tensors that take far more memory than the file: views that repeat a few numbers."""
    size = sum(
        one.numel() * one.element_size() for one in tensors.values() if hasattr(one, "numel")
    )
    packed = path.stat().st_size
    if size > most_bytes(packed):
        raise too_large(str(path), size, packed, "save tensors as they are, not views: .clone()")


def _reason(error: Exception) -> str:
    """Return the first line of what an error says."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".npz": _read_npz, ".safetensors": _read_safetensors, ".pt": _read_torch, ".pth": _read_torch,
}  # fmt: skip
