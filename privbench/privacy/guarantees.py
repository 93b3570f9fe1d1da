"""The statement that a defense makes about itself."""

from __future__ import annotations

from collections.abc import Sequence
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

    def terms(self) -> str:
        """What the claim says beside epsilon.

        >>> Guarantee("dp", 8.0, 1e-5, "add-remove", "prv (Opacus)").terms()
        'dp, δ=1e-05, add-remove'
        >>> Guarantee("metric-dp", 8.0, 0.0, "local", "closed form").terms()
        'metric-dp, ε per unit of distance d'
        """
        if self.kind == "metric-dp":
            return "metric-dp, ε per unit of distance d"
        delta = f", δ={self.delta:g}" if self.delta else ""
        return f"{self.kind}{delta}, {self.adjacency}"

    def short(self) -> str:
        """The claim without its conditions, for a cell of a table.

        >>> Guarantee("dp", 8.0, 1e-5, "add-remove", "prv (Opacus)").short()
        'ε=8 δ=1e-05 (add-remove)'
        >>> Guarantee("metric-dp", 8.0, 0.0, "local", "closed form").short()
        'ε=8 per unit distance'
        """
        if self.kind == "metric-dp":
            return f"ε={self.epsilon:.4g} per unit distance"
        delta = f" δ={self.delta:g}" if self.delta else ""
        return f"ε={self.epsilon:.4g}{delta} ({self.adjacency})"


def compose(stated: Sequence[tuple[str, Guarantee]]) -> tuple[Guarantee | None, str]:
    """The guarantee of a pipeline whose named mechanisms state these, and why there is none.

    One stated guarantee holds for the whole pipeline under its own conditions. Several are not added
    up, since they may protect different things: then the text names them.
    """
    match len(stated):
        case 0:
            return None, ""
        case 1:
            return stated[0][1], ""
    listed = ", ".join(f"{name} {guarantee.short()}" for name, guarantee in stated)
    return None, f"{len(stated)} guarantees are stated and not composed: {listed}"
