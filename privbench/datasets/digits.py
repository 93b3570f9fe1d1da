"""The handwritten digits that come with scikit-learn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from privbench.data import Data
from privbench.datasets.base import Dataset
from privbench.datasets.images import image_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Digits(Dataset):
    """1,797 handwritten digits of scikit-learn, 8x8, 10 classes."""

    name = "digits"
    paper = "Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits"

    def load(self) -> Data:
        """Return all records, in the order of scikit-learn."""
        table = _table()
        return image_data(table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1], n_classes=10, white=16)


def _table() -> NDArray[np.float64]:
    """Return the pixels (n, 64) and the labels in the last column.

    They are read from scikit-learn's file, because importing that package takes a second.
    """
    import numpy as np

    sklearn = find_spec("sklearn")
    assert sklearn is not None  # a dependency
    file = Path(sklearn.origin or "").parent / "datasets" / "data" / "digits.csv.gz"
    if file.is_file():
        return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits  # of a version that has the file elsewhere

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target])
