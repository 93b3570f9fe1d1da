"""Views of small releases, for attacks on released data."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.synthetic import SyntheticAttack, SyntheticViews
from privbench.components import Bound
from privbench.data import Data
from privbench.errors import Incompatible
from privbench.testing.problems.attacks import Member, scores_of, seeded
from privbench.testing.problems.base import Problem, Results
from privbench.testing.problems.populations import SPEC, records

MODELS, POOL, REFERENCES = 24, 80, 400
NOISE = 0.15
"""Standard deviation of the noise on released records; that of their features is about one."""


@cache
def released(variant: int) -> tuple[Data, Data, Member, list[Data]]:
    """Return the pool, reference records, membership (MODELS, POOL), and releases.

    A release holds two noisy copies of each private record, in random order.
    """
    rng = np.random.default_rng([variant, 2])
    pool, reference = (Data(*records(n, rng), SPEC) for n in (POOL, REFERENCES))
    member = membership(rng)
    releases = []
    for row in member:
        private = pool.take(np.tile(np.flatnonzero(row), 2)[rng.permutation(POOL)])
        noise = NOISE * rng.normal(size=private.x.shape).astype(np.float32)
        releases.append(Data(private.x + noise, private.y, SPEC))
    return pool, reference, member, releases


def membership(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which half of the pool is in each private set: bool (MODELS, POOL)."""
    return np.stack([rng.permutation(POOL) < POOL // 2 for _ in range(MODELS)])


class OfReleases(Problem):
    """All releases of a population, each of which is the target once; the others are its shadows."""

    def inputs(self, variant: int = 0, member: Member | None = None) -> SyntheticViews:
        """Return the views; ``member`` replaces the true membership of the shadows."""
        pool, reference, true_member, releases = released(variant)
        copies = [data.copy() for data in releases]
        return SyntheticViews(
            records=pool.x.copy(),
            labels=pool.y.copy(),
            targets=copies,
            shadows=copies,
            shadow_member=(true_member if member is None else member).copy(),
            reference=reference.copy(),
            rngs=[],
        )

    def membership(self, rng: np.random.Generator) -> Member:
        """Draw membership anew: bool (targets, pool)."""
        return membership(rng)

    def run(self, bound: Bound, inputs: SyntheticViews, seed: int) -> Results:
        """Return the scores (targets, pool). Raises Incompatible if the attack is not for such views."""
        views = seeded(inputs, seed)
        if obstacle := bound.component.obstacle(views):
            raise Incompatible(f"{bound.name} {obstacle}")
        return {"scores": scores_of(bound, views)}

    def protected(self, inputs: SyntheticViews) -> Any:
        """Return all that the views hold."""
        return inputs

    def states(self, bound: Bound) -> Any:
        """Return what the attack says that it needs and uses."""
        attack: SyntheticAttack = bound.component
        return [attack.adds_up(), attack.shadows_needed()]


def reordered(views: SyntheticViews, rng: np.random.Generator) -> SyntheticViews:
    """Return views in which the records of each release are in another order."""
    releases = [data.take(rng.permutation(len(data))) for data in views.targets]
    return replace(views, targets=releases, shadows=releases)
