"""The handwritten digits that come with scikit-learn."""

from __future__ import annotations

from privbench.data import Data
from privbench.datasets.base import Dataset
from privbench.datasets.images import image_data


class Digits(Dataset):
    """1,797 handwritten digits of scikit-learn, 8x8, 10 classes."""

    name = "digits"
    paper = "Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits"

    def load(self) -> Data:
        """Return all records, in the order of scikit-learn."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return image_data(bunch.images[:, None], bunch.target, n_classes=10, white=16)
