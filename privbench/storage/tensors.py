"""The safetensors format without copies: arrays as pieces to write, and as views of what was read.

The library copies every array when it reads, and in older versions when it writes. Outputs of a large
population are most of a run's memory, so they are written piece by piece, and read where they lie: in
a file that is mapped. What is written is what the library writes, byte for byte.

The format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
import mmap
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Content: TypeAlias = "bytes | bytearray | memoryview | mmap.mmap"
"""What holds a file: in memory, or mapped."""

DTYPES = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "I16": "<i2", "U16": "<u2", "F16": "<f2",
    "I32": "<i4", "U32": "<u4", "F32": "<f4", "C64": "<c8", "F64": "<f8", "I64": "<i8",
    "U64": "<u8",
}  # fmt: skip
"""NumPy's names of the types. The library writes arrays by them, the last ones first."""
MAX_HEADER = 2**26
"""Bytes of a header, at most."""
METADATA = "__metadata__"


def pieces(
    arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> list[bytes | memoryview]:
    """Return the content of a file, in pieces that share the memory of the arrays.

    Raises:
        ValueError: the type of an array has no name in the format.
    """
    import numpy as np

    names = {np.dtype(numpy_name): name for name, numpy_name in DTYPES.items()}
    order = list(DTYPES)
    entries = []
    for name, array in arrays.items():
        stored = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        if stored.dtype not in names:
            raise ValueError(f"array {name!r} has the type {array.dtype}, which cannot be stored")
        entries.append((names[stored.dtype], name, array.shape, stored))
    entries.sort(key=lambda entry: (-order.index(entry[0]), entry[1]))
    header: dict[str, Any] = {} if metadata is None else {METADATA: dict(metadata)}
    position = 0
    for dtype, name, shape, stored in entries:
        end = position + stored.nbytes
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    contents = [stored.reshape(-1).view(np.uint8).data for *_, stored in entries]
    return [struct.pack("<Q", len(text)) + text, *contents]


def header_of(content: Content) -> tuple[dict[str, Any], int]:
    """Return the header of a file, and where its arrays begin.

    Raises:
        ValueError: it has none.
    """
    if len(content) < 8:
        raise ValueError(f"{len(content)} bytes are no file of arrays")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(MAX_HEADER, len(content) - 8):
        raise ValueError(f"a header of {length} bytes")
    try:
        header = json.loads(bytes(content[8 : 8 + length]))
    except RecursionError:
        raise ValueError("a header that is nested deeply") from None
    if not isinstance(header, dict):
        raise ValueError("a header that is no JSON object")
    return header, 8 + length


def views(content: Content) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by name. They share its memory, and are read-only where that is.

    Raises:
        ValueError: it is no such file, or its arrays are not where its header says.
    """
    header, start = header_of(content)
    header.pop(METADATA, None)
    arrays, spans = {}, []
    for name, entry in header.items():
        try:
            first, end = entry["data_offsets"]
            array = _view(content, DTYPES[entry["dtype"]], entry["shape"], start, first, end)
        except (KeyError, TypeError, OverflowError):
            raise ValueError(f"array {name!r:.80} has no valid entry in the header") from None
        arrays[name] = array
        spans.append((first, end))
    position = 0
    for first, end in sorted(spans):
        if first != position:
            raise ValueError("arrays overlap, or leave gaps")
        position = end
    if start + position != len(content):
        raise ValueError(f"{len(content) - start - position} bytes behind the last array")
    return arrays


def _view(
    content: Content, dtype: str, shape: list[int], start: int, first: int, end: int
) -> np.ndarray[Any, Any]:
    import numpy as np

    if not all(type(n) is int and n >= 0 for n in (*shape, first, end)):
        raise ValueError("a size or position that is no number")
    kind, count = np.dtype(dtype), math.prod(shape)
    if end - first != count * kind.itemsize or start + end > len(content):
        raise ValueError(f"{end - first} bytes for {count} values of {kind}")
    if not count:
        return np.empty(shape, kind)
    return np.frombuffer(content, kind, count, start + first).reshape(shape)
