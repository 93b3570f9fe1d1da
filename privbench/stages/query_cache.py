"""What models have answered about records, kept for the attacks that ask the same again.

Attacks on labels query every model on the same noisy copies of the pool. Where a model's answers are not
random, those of one attack serve the next: an adaptive attack, a naive one, and `split-scores`. Classes
are kept of all models, and log-probabilities of estimators, which may take long to answer.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Answers = TypeVar("Answers", bound=NDArray[Any])

What = Literal["classes", "log-probabilities"]
LIMIT = 2**28
"""Bytes of answers that are kept."""


class QueryCache:
    """Answers by what is asked, model and records.

    Those that were not used for longest are dropped first.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._known: OrderedDict[tuple[What, str, int, bytes], NDArray[Any]] = OrderedDict()
        self._last: tuple[NDArray[np.float32] | None, bytes] = (None, b"")

    def of(
        self,
        population: str,
        model: int,
        x: NDArray[np.float32],
        ask: Callable[[NDArray[np.float32]], Answers],
        what: What = "classes",
    ) -> Answers:
        """Return the answers (n, ...) of a model about records (n, *shape).

        Args:
            population: the key of the population.
            model: the index of the model.
            x: the records.
            ask: asks the model, which must answer the same whenever it is asked.
            what: what it asks for.
        """
        known = self.known(population, model, x, what)
        if known is not None:
            return known  # type: ignore[return-value]
        asked = ask(x)
        self.add(population, model, x, asked, what)
        return asked

    def known(
        self, population: str, model: int, x: NDArray[np.float32], what: What = "classes"
    ) -> NDArray[Any] | None:
        """Return a copy of the answers that are kept; None if there are none."""
        import numpy as np

        name = (what, population, model, self._digest(x))
        if name not in self._known:
            return None
        self._known.move_to_end(name)
        return self._known[name].astype(np.int64 if what == "classes" else np.float32)

    def add(
        self,
        population: str,
        model: int,
        x: NDArray[np.float32],
        answers: NDArray[Any],
        what: What = "classes",
    ) -> None:
        """Keep answers of a model."""
        import numpy as np

        name = (what, population, model, self._digest(x))
        smallest = np.min_scalar_type(int(answers.max(initial=0))) if what == "classes" else "f4"
        replaced = self._known.pop(name, None)
        self._size -= 0 if replaced is None else replaced.nbytes
        self._known[name] = answers.astype(smallest)
        self._size += self._known[name].nbytes
        while self._size > self._limit:
            self._size -= self._known.popitem(last=False)[1].nbytes

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
