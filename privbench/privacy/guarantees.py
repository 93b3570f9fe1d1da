"""Guarantees of components and pipelines, as data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, Literal, get_args

from privbench.privacy.conditions import PART_COVERED, SCALED_APART, Condition, as_conditions
from privbench.privacy.profile import Profile, checked_profile

Kind = Literal["dp", "local-dp", "metric-dp"]
Adjacency = Literal["add-remove", "replace-one", "local"]
Covers = Literal["records", "features", "labels"]

_ADJACENCIES: dict[str, tuple[str, ...]] = {
    "dp": ("add-remove", "replace-one"),
    "local-dp": ("local",),
    "metric-dp": ("local",),
}


@dataclass(frozen=True)
class Guarantee:
    """A guarantee of privacy, with the conditions under which it holds.

    Args:
        kind: ``dp``: (epsilon, delta)-differential privacy of what leaves the pipeline, for
            neighbouring training sets in the sense of ``adjacency``. ``local-dp``: the same for the
            release of one record. ``metric-dp``: K(z)(A) <= exp(epsilon * d(z, z')) K(z')(A)
            (Chatzikokolakis et al. 2013); its epsilon is per unit of distance, which is no finite
            epsilon of the other two kinds.
        epsilon: A finite number >= 0.
        delta: From 0 to 1; 0 for pure guarantees.
        adjacency: Which training sets are neighbours.
        accountant: How epsilon was computed.
        conditions: All of them must be met for the guarantee to hold. A str stands for a
            ``Condition`` with this text.
        covers: What of a record may differ between neighbours: all of it, its features or its label.
            A condition says so if it is not all of it.
        profile: Pairs (epsilon, delta), all of which hold for replacing one record, computed directly
            and not by group privacy; empty if only epsilon and delta are known.
        gaussian: Whether the privacy comes from Gaussian noise alone.

    Raises:
        ValueError: If a field has a value that is not allowed.
    """

    kind: Kind
    epsilon: float
    delta: float
    adjacency: Adjacency
    accountant: str
    conditions: tuple[Condition, ...] = ()
    covers: Covers = "records"
    profile: Profile = ()
    gaussian: bool = False

    def __post_init__(self) -> None:
        _check_choice("kind", self.kind, tuple(_ADJACENCIES))
        _check_choice(f"adjacency of {self.kind}", self.adjacency, _ADJACENCIES[self.kind])
        _check_choice("covers", self.covers, get_args(Covers))
        _check_number("epsilon", self.epsilon, math.inf, "a finite number >= 0")
        _check_number("delta", self.delta, 1.0, "a number from 0 to 1")
        if isinstance(self.conditions, str) or not all(
            isinstance(condition, Condition | str) for condition in self.conditions
        ):
            raise ValueError(
                f"guarantee: conditions {self.conditions!r} (allowed: a tuple of Condition or str)"
            )
        if self.gaussian not in (True, False):
            raise ValueError(f"guarantee: gaussian {self.gaussian!r} (allowed: True, False)")
        conditions = as_conditions(self.conditions)
        part = PART_COVERED.get(self.covers)
        if part is not None and part not in conditions:  # or a table would not say so
            conditions = (*conditions, part)
        object.__setattr__(self, "conditions", conditions)
        object.__setattr__(self, "profile", checked_profile(self.profile))
        object.__setattr__(self, "gaussian", bool(self.gaussian))

    def to_json(self) -> dict[str, Any]:
        """Return the guarantee as a row of results stores it."""
        numbers = {"epsilon": float(self.epsilon), "delta": float(self.delta)}
        lists = {
            "conditions": [asdict(c) for c in self.conditions],
            "profile": [list(pair) for pair in self.profile],
        }
        return {**asdict(self), **numbers, **lists}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Guarantee:
        """Return the guarantee that a row of results stores; conditions of older rows are texts."""
        conditions = tuple(Condition.from_json(c) for c in stored["conditions"])
        return cls(**{**stored, "conditions": conditions})

    def under(self, *conditions: Condition) -> Guarantee:
        """Return the guarantee with further conditions."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def is_broken(self) -> bool:
        """Return whether a condition is broken, other than the one on the scaling of columns.

        Means and deviations over a whole dataset depend too little on one record to put a guarantee
        behind others.
        """
        return any(c.broken and c.name != SCALED_APART.name for c in self.conditions)

    def group_privacy(self) -> tuple[float, float]:
        """Return epsilon and delta for replacing one record, as follows from epsilon and delta alone.

        To replace a record is to remove it and to add another, so a guarantee for adding or removing
        one applies twice: (2 epsilon, (1 + e^epsilon) delta). Others are for replacing as they are.
        Source: Vadhan 2017, "The Complexity of Differential Privacy", lemma 2.2 (group privacy).
        """
        if self.adjacency != "add-remove":
            return self.epsilon, self.delta
        growth = math.exp(min(self.epsilon, 700.0))
        return 2 * self.epsilon, min(1.0, (1 + growth) * self.delta)

    def replace_one(self, at_delta: float = 0.0) -> tuple[float, float]:
        """Return epsilon and delta for replacing one record: from the profile, else by group privacy.

        Delta is the guarantee's own, or ``at_delta`` if that is larger.

        >>> Guarantee("dp", 8.0, 1e-5, "add-remove", "", profile=((13.0, 1e-5),)).replace_one()
        (13.0, 1e-05)
        >>> Guarantee("dp", 1.0, 0.0, "add-remove", "").replace_one()
        (2.0, 0.0)
        """
        allowed = max(self.delta, at_delta)
        direct = [epsilon for epsilon, delta in self.profile if delta <= allowed]
        if direct:
            return min(direct), allowed
        epsilon, delta = self.group_privacy()
        return epsilon, max(delta, at_delta)

    def of_group(self, size: int) -> Guarantee | None:
        """Return what follows for replacing a group of records at once; None if nothing follows.

        To replace ``size`` records is to replace one after another, so that of epsilon and delta remain
        size epsilon and (1 + e^epsilon + ... + e^((size - 1) epsilon)) delta, which says nothing from 1
        on. Source: Vadhan 2017, "The Complexity of Differential Privacy", lemma 2.2 (group privacy).

        >>> Guarantee("dp", 1.0, 0.0, "add-remove", "").of_group(3).replace_one()
        (6.0, 0.0)
        """
        if size == 1 or self.kind == "metric-dp":
            return self
        pairs = [_of_group(size, *pair) for pair in (self.replace_one(), *self.profile)]
        left = [pair for pair in pairs if pair[1] < 1]
        if not left:
            return None
        adjacency: Adjacency = "replace-one" if self.kind == "dp" else "local"
        epsilon, delta = left[0]
        return replace(
            self, epsilon=epsilon, delta=delta, adjacency=adjacency, profile=tuple(left),
            gaussian=False,
        )  # fmt: skip

    def of_replacing(self, at_delta: float = 0.0) -> tuple[float, float] | None:
        """Return epsilon and delta of a membership game on sets of fixed size.

        There a whole record is replaced by another (see ``replace_one``). None for metric privacy, and
        for a guarantee that covers labels only.
        """
        if self.kind == "metric-dp" or self.covers == "labels":
            return None
        return self.replace_one(at_delta)

    def tpr_bound(self, fpr: float) -> float | None:
        """Return the largest TPR at an FPR that any attack can have; None where no bound follows.

        That is min(e^epsilon FPR + delta, 1 - e^-epsilon (1 - delta - FPR)), for replacing one record,
        and the smallest of these over the profile.
        Source: Kairouz, Oh, Viswanath 2015, arXiv 1311.0776, theorem 2.1.

        >>> round(Guarantee("dp", 1.0, 0.0, "replace-one", "").tpr_bound(0.01), 6)
        0.027183
        """
        terms = self.of_replacing()
        if terms is None:
            return None
        return min(_tpr_bound(fpr, *pair) for pair in (terms, *self.profile))

    def terms(self) -> str:
        """Return kind, delta and adjacency for a footnote.

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
        """Return the guarantee without its conditions, for a line of text.

        >>> Guarantee("dp", 8.0, 1e-5, "add-remove", "prv (Opacus)").short()
        'ε=8 δ=1e-05 (add-remove)'
        >>> Guarantee("metric-dp", 8.0, 0.0, "local", "closed form").short()
        'ε=8 per unit distance'
        """
        if self.kind == "metric-dp":
            return f"ε={self.epsilon:.4g} per unit distance"
        delta = f" δ={self.delta:g}" if self.delta else ""
        return f"ε={self.epsilon:.4g}{delta} ({self.adjacency})"


def _of_group(size: int, epsilon: float, delta: float) -> tuple[float, float]:
    """Return epsilon and delta for replacing a group, given those for replacing one record."""
    if not delta:
        return size * epsilon, 0.0
    terms = (math.exp(min(i * epsilon, 700.0)) for i in range(size))
    return size * epsilon, min(1.0, delta * sum(terms))


def _tpr_bound(fpr: float, epsilon: float, delta: float) -> float:
    growth = math.exp(min(epsilon, 700.0))
    return max(0.0, min(1.0, growth * fpr + delta, 1 - (1 - delta - fpr) / growth))


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"guarantee: {name} {value!r} (allowed: {', '.join(allowed)})")


def _check_number(name: str, value: object, largest: float, allowed: str) -> None:
    if not (isinstance(value, Real) and 0 <= float(value) <= largest and math.isfinite(value)):
        raise ValueError(f"guarantee: {name} {value!r} (allowed: {allowed})")
