"""The classes that models have given to records, kept for the attacks that ask the same again.

Attacks on labels query every model on the same noisy copies of the pool. Where a model's answers are not
random, those of one attack serve the next: an adaptive attack, a naive one, and `split-scores`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIMIT = 2**28
"""Bytes of answers that are kept."""


class QueryCache:
    """Classes by model and records. Those that were not used for longest are dropped first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._known: OrderedDict[tuple[str, int, bytes], NDArray[np.int64]] = OrderedDict()
        self._last: tuple[NDArray[np.float32] | None, bytes] = (None, b"")

    def of(
        self,
        population: str,
        model: int,
        x: NDArray[np.float32],
        classify: Callable[[NDArray[np.float32]], NDArray[np.int64]],
    ) -> NDArray[np.int64]:
        """Return the classes (n,) that a model gives to records (n, *shape).

        Args:
            population: the key of the population.
            model: the index of the model.
            x: the records.
            classify: asks the model, which must answer the same whenever it is asked.
        """
        import numpy as np

        name = (population, model, self._digest(x))
        if name not in self._known:
            asked = classify(x)
            small = asked.astype(np.min_scalar_type(int(asked.max(initial=0))))
            self._known[name] = small
            self._size += small.nbytes
            while self._size > self._limit:
                self._size -= self._known.popitem(last=False)[1].nbytes
            return asked
        self._known.move_to_end(name)
        return self._known[name].astype(np.int64)

    def _digest(self, x: NDArray[np.float32]) -> bytes:
        """Return a digest of records. Those that nobody can change are digested once in a row."""
        import numpy as np

        last, digest = self._last
        if x is last and not x.flags.writeable:
            return digest
        digest = hashlib.blake2b(np.ascontiguousarray(x).data, digest_size=16).digest()
        digest += repr(x.shape).encode()
        self._last = (x if x.base is None and not x.flags.writeable else None, digest)
        return digest
