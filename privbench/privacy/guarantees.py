"""The statement that a defense makes about itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, Literal, get_args

Kind = Literal["dp", "local-dp", "metric-dp"]
Adjacency = Literal["add-remove", "replace-one", "local"]
Covers = Literal["records", "features", "labels"]

LABELS = "labels are not covered"
FEATURES = "only labels are covered"
NOT_SO = "(not so here: "
"""In a condition that is known not to hold: begins why."""
SCALED = f"numeric columns are scaled without the private records {NOT_SO}over the whole data set)"
_ADJACENCIES: dict[str, tuple[str, ...]] = {
    "dp": ("add-remove", "replace-one"),
    "local-dp": ("local",),
    "metric-dp": ("local",),
}


@dataclass(frozen=True)
class Guarantee:
    """A privacy claim, with what it is conditional on.

    ``dp``: (epsilon, delta)-differential privacy of the trained model for neighbouring training sets
    in the sense of ``adjacency``. ``local-dp``: the same for the release of one record. ``metric-dp``:
    K(z)(A) <= exp(epsilon * d(z, z')) K(z')(A) (Chatzikokolakis et al. 2013); epsilon is per unit of
    distance, so it is no finite epsilon of the two kinds above.

    ``conditions`` are short sentences that a table can show; every one of them must hold for the
    claim to hold. ``covers`` says what of a record may differ: all of it, or its features or label only.
    Raises ValueError on what is no such claim.
    """

    kind: Kind
    epsilon: float
    delta: float
    adjacency: Adjacency
    accountant: str
    conditions: tuple[str, ...] = ()
    covers: Covers = "records"

    def __post_init__(self) -> None:
        _check_choice("kind", self.kind, tuple(_ADJACENCIES))
        _check_choice(f"adjacency of {self.kind}", self.adjacency, _ADJACENCIES[self.kind])
        _check_choice("covers", self.covers, get_args(Covers))
        _check_number("epsilon", self.epsilon, math.inf, "a finite number >= 0")
        _check_number("delta", self.delta, 1.0, "a number from 0 to 1")
        if isinstance(self.conditions, str) or not all(isinstance(c, str) for c in self.conditions):
            raise ValueError(f"guarantee: conditions {self.conditions!r} (allowed: a tuple of str)")

    def to_json(self) -> dict[str, Any]:
        """The guarantee as a row of results stores it."""
        numbers = {"epsilon": float(self.epsilon), "delta": float(self.delta)}
        return {**asdict(self), **numbers, "conditions": list(self.conditions)}

    def holds(self) -> bool:
        """Whether no condition is known to be broken; how columns are scaled is too little to count."""
        return not any(NOT_SO in condition for condition in self.conditions if condition != SCALED)

    def of_replacing(self) -> tuple[float, float] | None:
        """Epsilon and delta of what a membership game on sets of fixed size tells apart.

        There one record is replaced by another. A local guarantee applies as it is; one for adding or
        removing a record applies twice, by group privacy: (2 epsilon, (1 + e^epsilon) delta). None for
        metric privacy, and for what covers labels only: replacing a record may change all of it.

        >>> Guarantee("dp", 1.0, 0.0, "add-remove", "").of_replacing()
        (2.0, 0.0)
        """
        if self.kind == "metric-dp" or self.covers == "labels":
            return None
        if self.adjacency != "add-remove":
            return self.epsilon, self.delta
        growth = math.exp(min(self.epsilon, 700.0))
        return 2 * self.epsilon, min(1.0, (1 + growth) * self.delta)

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


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"guarantee: {name} {value!r} (allowed: {', '.join(allowed)})")


def _check_number(name: str, value: object, largest: float, allowed: str) -> None:
    if not (isinstance(value, Real) and 0 <= float(value) <= largest and math.isfinite(value)):
        raise ValueError(f"guarantee: {name} {value!r} (allowed: {allowed})")


@dataclass(frozen=True)
class Stated:
    """What a component of a pipeline states; ``fit`` is what else reads the records that it is of.

    That is a generator's fit with DP-SGD, where the component sees what the generator makes of them.
    """

    name: str
    guarantee: Guarantee
    fit: Guarantee | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.guarantee.short()}"

    def whole(self) -> Guarantee | None:
        """With the fit, which adds up (Dwork, Roth 2014, theorem B.1); None for metric privacy."""
        return self.guarantee if self.fit is None else _added(self.guarantee, self.fit)


def compose(stated: Sequence[Stated], n_train: int) -> tuple[Guarantee | None, str]:
    """The guarantee of a pipeline whose components state these, in order, and why there is none.

    Of mechanisms one after another each guarantee holds by itself, since what follows is
    post-processing: one of them counts. What covers features and what covers labels add up to what
    covers records. What has no condition that is known to be broken comes first, then what covers
    records, then a delta below 1 / ``n_train``, then the smallest epsilon. Where that does not apply,
    there is no guarantee, and the text names what was stated.
    """
    own = [one.whole() for one in stated]
    finite = [one for one in own if one is not None]
    found = _in_sequence(finite, n_train) if len(finite) == len(own) else None
    if found is not None or not own:
        return found, ""
    listed = ", ".join(str(one) for one in stated)
    if len(own) > 1:
        return None, f"{len(own)} guarantees are stated and not composed: {listed}"
    fit = stated[0].fit
    assert fit is not None  # what is alone and has no fit is its own guarantee
    return (
        None,
        f"{listed} has no finite epsilon to add to that of the generator's fit, {fit.short()}",
    )


def _in_sequence(own: Sequence[Guarantee], n_train: int) -> Guarantee | None:
    """The guarantee of mechanisms one after another, the first nearest to the records."""
    if len(own) < 2:
        return own[0] if own else None
    if any(one.kind == "metric-dp" for one in own):
        return None

    def order(one: Guarantee) -> tuple[bool, bool, float, float]:
        epsilon, delta = one.of_replacing() or (one.epsilon, one.delta)
        return not one.holds(), one.delta >= 1 / n_train, epsilon, delta

    best = {
        part: min((one for one in own if one.covers == part), key=order, default=None)
        for part in get_args(Covers)
    }
    whole, features, labels = best["records"], best["features"], best["labels"]
    if features is not None and labels is not None:
        both = _added(features, labels, conditions=lambda c: c not in (LABELS, FEATURES))
        whole = min((one for one in (whole, both) if one is not None), key=order, default=None)
    parts = [one for one in (whole, features, labels) if one is not None]
    return min(parts, key=lambda one: not one.holds())


def _added(
    one: Guarantee, other: Guarantee, conditions: Any = lambda condition: True
) -> Guarantee | None:
    """Both of the same records: epsilons and deltas add up, of replacing one unless neither is."""
    if one.kind == "metric-dp":
        return None
    both_local = one.kind == other.kind == "local-dp"
    if one.adjacency == other.adjacency == "add-remove":
        adjacency: Adjacency = "add-remove"
        pairs = [(g.epsilon, g.delta) for g in (one, other)]
    else:
        adjacency = "local" if both_local else "replace-one"
        pairs = [g.of_replacing() or (g.epsilon, g.delta) for g in (one, other)]
    kept = tuple(dict.fromkeys(c for g in (one, other) for c in g.conditions if conditions(c)))
    accountants = dict.fromkeys((one.accountant, other.accountant))
    return replace(
        one,
        kind="local-dp" if both_local else "dp",
        epsilon=sum(epsilon for epsilon, _ in pairs),
        delta=min(1.0, sum(delta for _, delta in pairs)),
        adjacency=adjacency,
        accountant=" + ".join(accountants),
        conditions=kept,
        covers=_both_cover(one.covers, other.covers),
    )


def _both_cover(one: Covers, other: Covers) -> Covers:
    """What may differ where two guarantees add up: a part that both cover, or the sum of the parts."""
    if one == "records":
        return other
    return one if other in ("records", one) else "records"
