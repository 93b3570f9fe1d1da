"""Datasets as arrays, and the description of what their features mean."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_REPEATED = 0.01
"""Largest share of records with a copy that raises no warning."""
DataKind = Literal["image", "tabular", "binary"]
A = TypeVar("A", bound="NDArray[Any]")


@dataclass(frozen=True)
class Column:
    """One column of a table, and the features that encode it.

    ``features`` is the half-open range ``(first, end)`` of feature indices. A numeric column has one
    feature; a categorical column has one per category (one-hot, in the order of ``categories``).
    """

    name: str
    type: Literal["numeric", "categorical"]
    features: tuple[int, int]
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSpec:
    """What a component needs to know about a dataset before it sees the records.

    Attributes:
        kind: ``image``, ``tabular`` or ``binary``.
        shape: Shape of one record: ``(channels, height, width)`` for images, else ``(features,)``.
        n_classes: Number of classes.
        columns: The columns of a table. May be empty: then every feature is numeric.
        scaled_by: The records that scale the numeric columns of a table. ``reference``: every split
            scales them by its reference records, which are public (`privbench.scaling`). ``all``: they
            are scaled already, over private records as well, so that no guarantee covers it.
        has_gaps: Whether numeric columns may have NaN, which every split replaces.

    >>> colour = Column("colour", "categorical", (0, 3), ("blue", "green", "red"))
    >>> spec = DataSpec("tabular", (4,), 2, (colour, Column("age", "numeric", (3, 4))))
    >>> spec.n_features, spec.numeric_features, spec.categorical_blocks
    (4, (3,), ((0, 3),))
    """

    # The repr of a spec is part of a dataset's fingerprint: a new field would change every key.
    kind: DataKind
    shape: tuple[int, ...]
    n_classes: int
    columns: tuple[Column, ...] = ()
    scaled_by: Literal["reference", "all"] = field(default="reference", repr=False)
    has_gaps: bool = field(default=False, repr=False)

    @property
    def n_features(self) -> int:
        """The number of features of a flattened record."""
        return math.prod(self.shape)

    @property
    def categorical_columns(self) -> tuple[Column, ...]:
        """The categorical columns of a table; empty for images and binary records."""
        if self.kind != "tabular":
            return ()
        return tuple(column for column in self.columns if column.type == "categorical")

    @property
    def categorical_blocks(self) -> tuple[tuple[int, int], ...]:
        """The half-open ranges of one-hot features, one for each categorical column of a table."""
        return tuple(column.features for column in self.categorical_columns)

    @property
    def numeric_features(self) -> tuple[int, ...]:
        """The features of a table that are numbers; empty for images and binary records.

        All other features lie in [0, 1].
        """
        if self.kind != "tabular":
            return ()
        one_hot = {i for first, end in self.categorical_blocks for i in range(first, end)}
        return tuple(i for i in range(self.n_features) if i not in one_hot)


@dataclass(frozen=True)
class Data:
    """Labelled records: ``x`` float32 (n, *spec.shape), ``y`` int64 (n,) in ``0..n_classes-1``.

    Pixels lie in [0, 1] and binary features are 0 or 1. Numeric columns of a table are in any unit,
    unless they are scaled already (``spec.scaled_by``); categorical columns are one-hot.

    ``groups`` int64 (n,), if it is given, has equal numbers for records whose membership is one
    question, such as copies of a record or all records of a person: a split keeps them together, and a
    model is trained on all of them or on none.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    spec: DataSpec
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def first_copies(self) -> NDArray[np.int64]:
        """Return for each record (n,) the index of the first one with the same features and label."""
        import numpy as np

        rows = np.ascontiguousarray(self.x).reshape(len(self), -1)
        first: dict[bytes, int] = {}
        digests = (
            hashlib.blake2b(row.tobytes() + label.tobytes(), digest_size=16).digest()
            for row, label in zip(rows, self.y, strict=True)
        )
        return np.array([first.setdefault(digest, i) for i, digest in enumerate(digests)], np.int64)

    def take(self, indices: NDArray[np.integer]) -> Data:
        """Return a copy of the records at ``indices``, in that order."""
        groups = None if self.groups is None else self.groups[indices]
        return Data(self.x[indices], self.y[indices], self.spec, groups)

    def first(self, n: int | None) -> Data:
        """Return a copy of the first ``n`` records, or of all records."""
        import numpy as np

        return self.take(np.arange(len(self))[:n])

    def copy(self) -> Data:
        """Return the same records in arrays of their own."""
        groups = None if self.groups is None else self.groups.copy()
        return Data(self.x.copy(), self.y.copy(), self.spec, groups)

    def read_only(self) -> Data:
        """Return the same records in read-only arrays; see `read_only`."""
        groups = None if self.groups is None else read_only(self.groups)
        return Data(read_only(self.x), read_only(self.y), self.spec, groups)


def read_only(array: A) -> A:
    """Return a read-only view of an array, without a copy.

    The memory's owner is made read-only as well, since NumPy lets a view become writable again
    whenever its owner is writable.
    """
    owner: Any = array
    while hasattr(owner, "setflags"):  # ends at the owner's memory: None, bytes, a tensor, a file
        owner.setflags(write=False)
        owner = owner.base
    view: A = array.view()
    return view
