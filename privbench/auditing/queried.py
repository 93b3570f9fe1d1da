"""What models answered to the queries of an attack, asked when they were there and stored since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

    from privbench.attacks.base import Model
    from privbench.attacks.outputs import Outputs

Floats32 = NDArray[np.float32]
Classes = NDArray[np.int32]


@dataclass(frozen=True)
class Queried:
    """The classes that models gave to copies of the records.

    Attributes:
        attack: the name of the attack whose queries these were.
        records: float32 (records, *shape), the records as the attack sees them.
        digests: the digest of each set of copies (records, *shape) of them.
        classes: int32 (models, copies, records), what each model answered to each set.
    """

    attack: str
    records: Floats32
    digests: Sequence[str]
    classes: Classes
    _place: dict[str, int] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._place.update({digest: place for place, digest in enumerate(self.digests)})

    def models(self) -> list[Model]:
        """Return stand-ins for the models, which answer to what they were asked and to nothing else."""
        find = _Finder(self._place)
        return [_Stored(find, classes) for classes in self.classes]


def digest_of_copy(copy: Floats32) -> str:
    """Return what tells copies of records from others."""
    return hashlib.sha256(np.ascontiguousarray(copy).tobytes()).hexdigest()


def digests_of(copies: Iterable[Floats32]) -> list[str]:
    """Return the digest of each set of copies."""
    return list(map(digest_of_copy, copies))


@dataclass
class _Finder:
    """Finds the number of a set of copies; all models are asked about one set after another."""

    place: dict[str, int]
    last: Any = None
    found: int = 0

    def __call__(self, copy: Floats32) -> int:
        if copy is not self.last:
            number = self.place.get(digest_of_copy(copy))
            if number is None:
                raise ValueError("the models were not asked about these records, and are gone")
            self.last, self.found = copy, number
        return self.found


@dataclass(frozen=True)
class _Stored:
    """A model that is gone, and what it answered."""

    find: _Finder
    classes: Classes

    def query(self, x: Floats32) -> Outputs:
        """Raise TypeError: only classes were stored."""
        raise TypeError(
            "of a trained model the classes of its queries are stored, and nothing else"
        )

    def classify(self, x: Floats32) -> NDArray[np.int64]:
        """Return the classes (n,) of copies of the records that the model was asked about."""
        classes: NDArray[np.int64] = self.classes[self.find(x)].astype(np.int64)
        return classes

    def module(self) -> nn.Module:
        """Raise TypeError: models are not stored."""
        raise TypeError("trained models are not stored")
