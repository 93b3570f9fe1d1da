"""Whether a guarantee is one, and whether what the component returns refutes it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from privbench.components import Bound
from privbench.errors import BadInput
from privbench.testing.findings import NotApplicable, Violation
from privbench.testing.refuting import ERRS, ceiling, lower_bound
from privbench.testing.registry import checks
from privbench.testing.subject import Subject, call
from privbench.testing.values import schema_of

if TYPE_CHECKING:
    from privbench.testing.problems.neighbours import Neighbours

SECONDS = 4.0
"""Time of the processor for all samples, about."""
FIRST_SAMPLES = 8
"""Samples by which the time is estimated."""
FACTORS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)
"""By these factors single parameters are changed, in search of a guarantee that samples can refute."""


@checks("mechanism", "generator", errs=ERRS)
def guarantee_is_not_refuted(subject: Subject) -> None:
    """A guarantee holds for two neighbouring inputs, as far as samples of what is returned can tell."""
    from privbench.testing.problems.neighbours import neighbours_of

    stated = []
    for number, bound in enumerate(_variants(subject)):
        try:
            neighbours = call(bound, partial(neighbours_of, subject.problem_for(bound)))
        except (Violation, NotApplicable):
            if number:  # such a value may be too extreme for an accountant
                continue
            raise
        if neighbours is not None:
            stated.append((abs(math.log(max(neighbours.claim.epsilon, 1e-9))), bound, neighbours))
            if stated[-1][0] < 1:  # an epsilon near one
                break
    if not stated:
        raise NotApplicable("it states no guarantee that neighbouring inputs could refute")
    _, bound, neighbours = min(stated, key=lambda one: one[0])
    claim = neighbours.claim
    n = _affordable(bound, neighbours)
    if (most := ceiling(n, claim.delta)) <= claim.epsilon:
        raise NotApplicable(
            f"its guarantee of ε = {claim.epsilon:.3g} ({neighbours.what}) cannot be refuted by {n}"
            f" samples, which prove {most:.3g} at most; give `params` with a smaller one"
            f"{_without_noise(bound, neighbours)}"
        )
    proved = call(bound, lambda: lower_bound(neighbours.sample, n, claim.delta))
    if proved > claim.epsilon:
        raise Violation(
            f"its guarantee does not hold: ε = {claim.epsilon:.3g}, δ = {claim.delta:.2g} is stated"
            f" ({neighbours.what}), and {n} samples of each of two neighbouring inputs prove"
            f" ε >= {proved:.3g} at a confidence of 1 - {ERRS:g}, with the parameters"
            f" {bound.component.params()}{_without_noise(bound, neighbours)}"
        )


def _variants(subject: Subject) -> Iterator[Bound]:
    """Yield the component with its own parameters, then with single numbers made larger or smaller."""
    yield subject.bound
    now = subject.bound.component.params()
    for name, value in now.items():
        schema = schema_of(subject.cls, name)
        types = {option.get("type") for option in schema.get("anyOf", [schema])}
        if "number" not in types or not isinstance(value, int | float) or name == "delta":
            continue
        for factor in FACTORS:
            try:
                yield subject.build(**{name: value * factor})
            except BadInput:  # it is out of bounds
                continue


def _without_noise(bound: Bound, neighbours: Neighbours) -> str:
    """Return the end of a reason if a few samples of one input are all the same; else nothing."""
    rows = call(bound, lambda: neighbours.sample(0, range(FIRST_SAMPLES)))
    if (rows != rows[0]).any():
        return ""
    return "; nothing is random: all seeds give the same. Draw its noise from the given rng"


def _affordable(bound: Bound, neighbours: Neighbours) -> int:
    """Return how many samples can be drawn in time."""
    start = time.process_time()
    call(bound, lambda: neighbours.sample(0, range(FIRST_SAMPLES)))
    each = (time.process_time() - start) / FIRST_SAMPLES
    return max(FIRST_SAMPLES, min(neighbours.most, int(SECONDS / (2 * each + 1e-9))))
