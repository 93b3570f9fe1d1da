"""Location-30: places where users of a social network checked in."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, ClassVar

from privbench.data import Data, DataSpec
from privbench.datasets.files import FileDataset, RemoteFile
from privbench.datasets.reading import Content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES = 446
CLASSES = 30


class Location30(FileDataset):
    """Places that 5,010 people visited: 446 bits, 30 classes."""

    name = "location30"
    paper = "Yang et al. 2016, ACM TIST 7(3); Shokri et al. 2017, arXiv 1610.05820"
    folder = "location30"
    records: ClassVar[int] = 5010

    def files(self) -> tuple[RemoteFile, ...]:
        """Return the one file, a member of an archive."""
        return (
            RemoteFile(
                "bangkok",
                "https://github.com/privacytrustlab/datasets/raw/master/dataset_location.tgz",
                "sha256:927203f85a868f8ee17a0ded1dc61699efe602167beabe34fbf45b4b1de94b33",
                archived=True,
            ),
        )

    def decode(self, contents: Sequence[Content]) -> Data:
        """Return the records, after checking their number, features and labels."""
        import numpy as np

        (content,) = contents
        x, y = parse_location(content)
        if len(y) != self.records:
            raise content.error(f"{len(y)} records", f"{self.records}")
        spec = DataSpec(kind="binary", shape=(FEATURES,), n_classes=CLASSES)
        return Data(x.astype(np.float32), y, spec)


def parse_location(content: Content) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return features (n, 446) and labels (n,) in 0..29.

    Each line has a quoted label in 1..30, then the features.
    """
    import numpy as np

    expected = f"lines of a label 1 to {CLASSES} and {FEATURES} features, each 0 or 1"
    rows = _rows_of_digits(content.data)
    if rows is None:
        import pandas as pd  # half a second, for other ways to write the same, and for what is wrong

        try:
            rows = pd.read_csv(BytesIO(content.data), header=None, dtype=np.int64).to_numpy()
        except ValueError as error:
            raise content.error(f"text that cannot be parsed ({error})", expected) from error
    x, y = rows[:, 1:], rows[:, 0] - 1
    if x.shape[1] != FEATURES:
        raise content.error(f"{x.shape[1]} features", expected)
    if not np.isin(x, (0, 1)).all():
        raise content.error("features other than 0 and 1", expected)
    if y.min() < 0 or y.max() >= CLASSES:
        raise content.error(f"labels {y.min() + 1} to {y.max() + 1}", expected)
    return x, y


def _rows_of_digits(text: bytes) -> NDArray[np.int64] | None:
    """Return labels and features (n, 447) of lines such as ``"12",0,1,0``; None for any others."""
    import numpy as np

    parts = [line.partition(b",") for line in text.splitlines()]
    labels = [label.strip(b'"') for label, _, _ in parts]
    width = 2 * FEATURES - 1
    if not parts or not all(
        label.isdigit() and len(label) <= 2 and len(features) == width
        for label, (_, _, features) in zip(labels, parts, strict=True)
    ):
        return None
    letters = np.frombuffer(b"".join(features for _, _, features in parts), dtype=np.uint8)
    letters = letters.reshape(-1, width)
    digits = letters[:, ::2] - ord("0")
    if (digits > 9).any() or (letters[:, 1::2] != ord(",")).any():
        return None
    return np.column_stack([np.array(labels, dtype=np.int64), digits])
