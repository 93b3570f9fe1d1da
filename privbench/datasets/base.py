"""The contract of a dataset.

class Spirals(Dataset):
    '''Two interleaved spirals.'''
    name = "spirals"
    n: int = Field(1000, ge=100, description="number of records")

    def load(self):
        ...
        return Data(x, y, DataSpec(kind="tabular", shape=(2,), n_classes=2))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import Field

from privbench.components import Component
from privbench.data import Data


def path_field(description: str) -> Any:
    """Return a field for a user's path; in benchmarks.toml it is relative to the folder of that file."""
    return Field(min_length=1, description=description, json_schema_extra={"path": True})


class Dataset(Component, ABC):
    """Labelled records. The keys of stages depend on the contents that ``load`` returns."""

    kind: ClassVar[str] = "dataset"

    @abstractmethod
    def load(self) -> Data:
        """Return all records, always in the same order.

        May download files into the data folder, if their checksums are verified.

        Raises:
            DatasetUnavailable: If the files are missing and cannot be downloaded.
            DataError: If the contents of the files are invalid.
        """

    def to_download(self) -> str:
        """Return what ``load`` would have to download; empty if nothing."""
        return ""
