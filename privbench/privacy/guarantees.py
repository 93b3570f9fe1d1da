"""The statement that a defense makes about itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["dp", "local-dp", "metric-dp"]
Adjacency = Literal["add-remove", "replace-one", "local"]


@dataclass(frozen=True)
class Guarantee:
    """A privacy claim, with what it is conditional on.

    ``dp``: (epsilon, delta)-differential privacy of the trained model for neighbouring training sets
    in the sense of ``adjacency``. ``local-dp``: the same for the release of one record. ``metric-dp``:
    K(z)(A) <= exp(epsilon * d(z, z')) K(z')(A) (Chatzikokolakis et al. 2013); epsilon is per unit of
    distance, so it is no finite epsilon of the two kinds above.

    ``conditions`` are short sentences that a table can show; every one of them must hold for the
    claim to hold.
    """

    kind: Kind
    epsilon: float
    delta: float
    adjacency: Adjacency
    accountant: str
    conditions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The guarantee as a row of results stores it."""
        return {**asdict(self), "conditions": list(self.conditions)}
