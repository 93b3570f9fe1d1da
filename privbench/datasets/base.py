"""The contract of a dataset.

class Spirals(Dataset):
    '''Two interleaved spirals.'''
    name = "spirals"
    n: int = Field(1000, ge=100, description="number of records")

    def load(self) -> Data:
        ...
        return Data(x, y, DataSpec(kind="tabular", shape=(2,), n_classes=2))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from privbench.components import Component
from privbench.data import Data


class Dataset(Component, ABC):
    """Labelled records. Stages are keyed by the contents that ``load`` returns."""

    kind: ClassVar[str] = "dataset"

    @abstractmethod
    def load(self) -> Data:
        """All records, always in the same order.

        May download into the data folder, with a checksum. Raises DatasetUnavailable if the data are
        not there and cannot be fetched, DataError if their contents cannot be used.
        """

    def missing(self) -> str:
        """Why ``load`` would have to download something first; empty if it would not."""
        return ""
