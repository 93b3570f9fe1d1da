"""The IDX format of MNIST, and the base class of the datasets that use it."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from privbench.data import Data
from privbench.datasets.files import FileDataset, RemoteFile
from privbench.datasets.images import image_data
from privbench.datasets.reading import Content
from privbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
UNSIGNED_BYTE = 8
"""Type code of unsigned bytes in the IDX format."""


class IdxDataset(FileDataset):
    """28x28 grey images in 10 classes: first the training files, then the test files."""

    base_url: ClassVar[str]
    checksums: ClassVar[tuple[str, str, str, str]]
    """MD5 of the compressed FILES."""
    records: ClassVar[tuple[int, int]] = (60_000, 10_000)
    """Number of records in the training and test files."""
    class_counts: ClassVar[tuple[int, ...]]
    """Number of records per class, which distinguishes datasets whose files have the same names."""

    def files(self) -> tuple[RemoteFile, ...]:
        """Return the four IDX files."""
        return tuple(
            RemoteFile(name, f"{self.base_url}/{name}.gz", f"md5:{checksum}")
            for name, checksum in zip(FILES, self.checksums, strict=True)
        )

    def decode(self, contents: Sequence[Content]) -> Data:
        """Return the records, after checking shapes and the number of records per class."""
        import numpy as np

        n_train, n_test = self.records
        shapes = ((n_train, 28, 28), (n_train,), (n_test, 28, 28), (n_test,))
        arrays = [parse_idx(*pair) for pair in zip(contents, shapes, strict=True)]
        x, y = np.concatenate(arrays[::2]), np.concatenate(arrays[1::2])
        counts = tuple(np.bincount(y, minlength=10).tolist())
        if counts != self.class_counts:
            raise DataError(
                f"{contents[1].where}, {contents[3].where}: found {counts} records in classes 0 to 9,"
                f" but {self.name} has {self.class_counts}"
            )
        return image_data(x[:, None], y, n_classes=10)


def parse_idx(content: Content, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the array in an IDX file of unsigned bytes. Raises DataError for another shape."""
    import numpy as np

    # Two zero bytes, the type and the number of dimensions; then the dimensions, big-endian.
    header = struct.pack(f">HBB{len(shape)}I", 0, UNSIGNED_BYTE, len(shape), *shape)
    if not content.data.startswith(header):
        raise content.error(_describe(content.data), f"an IDX file of bytes of shape {shape}")
    body = len(content.data) - len(header)
    if body != math.prod(shape):
        raise content.error(f"{body} bytes after the header", f"{math.prod(shape)}")
    return np.frombuffer(content.data, np.uint8, offset=len(header)).reshape(shape)


def _describe(data: bytes) -> str:
    """Return what the header says, for an error message."""
    if len(data) < 4 or data[:2] != b"\0\0" or len(data) < 4 + 4 * data[3]:
        return "something that is not an IDX file"
    return (
        f"an IDX file of type {data[2]:#04x}, shape {struct.unpack_from(f'>{data[3]}I', data, 4)}"
    )
