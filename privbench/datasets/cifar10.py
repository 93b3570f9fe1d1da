"""CIFAR-10, read from its binary version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.data import Data
from privbench.datasets.files import FileDataset, RemoteFile
from privbench.datasets.images import image_data
from privbench.datasets.reading import Content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHAPE = (3, 32, 32)
RECORD_BYTES = 1 + 3 * 32 * 32
"""Bytes of a record: the label, then the pixels in the order of SHAPE."""


class Cifar10(FileDataset):
    """60,000 photographs, 32x32 colour, 10 classes."""

    name = "cifar10"
    paper = "Krizhevsky 2009, Learning multiple layers of features from tiny images"
    folder = "cifar-10-batches-bin"
    url: ClassVar[str] = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    checksum: ClassVar[str] = "md5:c32a1d4ab5d03f1284b67883e8d87530"
    records_per_file: ClassVar[int] = 10_000

    train_files: int = Field(
        5, ge=1, le=5, description="number of training files to use, from the first"
    )

    def files(self) -> tuple[RemoteFile, ...]:
        """Return the training files, then the test file."""
        names = [f"data_batch_{i}.bin" for i in range(1, self.train_files + 1)] + ["test_batch.bin"]
        return tuple(RemoteFile(name, self.url, self.checksum, archived=True) for name in names)

    def decode(self, contents: Sequence[Content]) -> Data:
        """Return the records, after checking file sizes and labels."""
        import numpy as np

        batches = [parse_batch(content, self.records_per_file) for content in contents]
        x, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
        return image_data(x, y, n_classes=10)


def parse_batch(content: Content, records: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images (records, 3, 32, 32) and labels (records,) of one file."""
    import numpy as np

    if len(content.data) != records * RECORD_BYTES:
        raise content.error(
            f"{len(content.data)} bytes", f"{records} records of {RECORD_BYTES} bytes"
        )
    rows = np.frombuffer(content.data, np.uint8).reshape(records, RECORD_BYTES)
    labels = rows[:, 0]
    if labels.max() > 9:
        raise content.error(f"label {labels.max()}", "labels 0 to 9")
    return rows[:, 1:].reshape(records, *SHAPE), labels
