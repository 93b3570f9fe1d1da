"""The contract of an attack on synthetic data.

    class Nearest(SyntheticAttack):
        '''Minus the distance to the closest released record.'''
        name = "nearest"

        def score(self, view):
            return -nearest(view.records, view.synthetic.x)

The adversary sees the set of records that a defense releases to train the target on, and no answers of
the target. Larger scores mean member. The membership of the target is not seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from privbench.components import Component
from privbench.data import Data

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SyntheticView:
    """What the adversary knows when it attacks one released set.

    The pool's ``records`` float32 (n_pool, *shape) and ``labels`` (n_pool,); the target's released set
    ``synthetic``; those of the ``shadows``, and ``shadow_member`` bool (n_shadows, n_pool), which shadow
    had which record in its private set; ``reference`` records that were in none. ``rng`` is the only
    source of randomness.
    """

    records: NDArray[np.float32]
    labels: NDArray[np.int64]
    synthetic: Data
    shadows: Sequence[Data]
    shadow_member: NDArray[np.bool_]
    reference: Data
    rng: np.random.Generator


@dataclass(frozen=True)
class SyntheticViews:
    """The views of many targets at once, for attacks that can use what these share.

    With ``leave_one_out`` shadow i is target i, or stands for it: target i must not use it.
    """

    records: NDArray[np.float32]
    labels: NDArray[np.int64]
    targets: Sequence[Data]
    shadows: Sequence[Data]
    shadow_member: NDArray[np.bool_]
    reference: Data
    rngs: Sequence[np.random.Generator]
    leave_one_out: bool = True
    progress: Callable[[int, int], None] = lambda done, total: None

    def __len__(self) -> int:
        return len(self.targets)

    def __iter__(self) -> Iterator[SyntheticView]:
        """One view after another; whoever asks for the next one is done with the last."""
        for target in range(len(self)):
            yield self[target]
            self.progress(target + 1, len(self))

    def __getitem__(self, target: int) -> SyntheticView:
        """The view of one target."""
        others = np.flatnonzero(self.used(target))
        return SyntheticView(
            records=self.records,
            labels=self.labels,
            synthetic=self.targets[target],
            shadows=[self.shadows[int(i)] for i in others],
            shadow_member=self.shadow_member[others],
            reference=self.reference,
            rng=self.rngs[target],
        )

    def used(self, target: int) -> NDArray[np.bool_]:
        """Which shadows (n_shadows,) a target may use."""
        used = np.ones(len(self.shadows), dtype=bool)
        if self.leave_one_out and len(used):
            used[target] = False
        return used

    def of_targets_and_shadows(self, statistic: Callable[[Data], Floats]) -> tuple[Floats, Floats]:
        """A statistic (n_pool,) of each target's set and of each shadow's: (sets, n_pool) twice."""
        sets = {id(data): data for data in (*self.targets, *self.shadows)}
        found: dict[int, Floats] = {}
        for key, data in sets.items():
            found[key] = statistic(data)
            self.progress(len(found), len(sets))
        targets, shadows = (
            np.array([found[id(data)] for data in own]).reshape(len(own), -1)
            for own in (self.targets, self.shadows)
        )
        return targets, shadows


class SyntheticAttack(Component, ABC):
    """Gives each pool record a score for one released set."""

    kind: ClassVar[str] = "attack"
    observes: ClassVar[Literal["synthetic"]] = "synthetic"
    per_class_threshold: ClassVar[bool] = False
    """Whether the threshold for balanced accuracy is chosen for each class."""

    @abstractmethod
    def score(self, view: SyntheticView) -> Floats:
        """Scores (n_pool,), finite, larger = member."""

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool). Must give what ``score`` gives for each view."""
        return np.stack([self.score(view) for view in views])


class BatchedSyntheticAttack(SyntheticAttack):
    """An attack that is written for all targets at once; one target is a special case."""

    @abstractmethod
    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool), finite, larger = member."""

    def score(self, view: SyntheticView) -> Floats:
        """Scores (n_pool,) of one target."""
        views = SyntheticViews(
            records=view.records,
            labels=view.labels,
            targets=[view.synthetic],
            shadows=view.shadows,
            shadow_member=view.shadow_member,
            reference=view.reference,
            rngs=[view.rng],
            leave_one_out=False,
        )
        scores: Floats = self.score_all(views)[0]
        return scores


def flat(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Records (n, *shape) as vectors (n, features)."""
    return x.reshape(len(x), -1)


def nearest(
    x: NDArray[np.float32], others: NDArray[np.float32], k: int = 1, at_once: int = 1024
) -> Floats:
    """Euclidean distances (n, k) of records (n, *shape) to their ``k`` nearest of ``others``.

    Fewer than ``k`` others repeat the farthest. Which are nearest is found from squares, where two that
    differ by less than about 1e-3 of the records' norm may be mistaken; the distances are exact.
    """
    import torch

    from privbench.engine.arrays import as_tensor

    a, b = as_tensor(flat(x)), as_tensor(flat(others))
    squares, kept = b.square().sum(1), min(k, len(b))
    parts = []
    for part in torch.split(a, at_once):
        products = torch.addmm(squares[None], part, b.T, alpha=-2)
        closest = products.topk(kept, dim=1, largest=False, sorted=True).indices
        # once more for the few that count, without the cancellation of the squares
        exact = (part[:, None] - b[closest]).square().sum(-1).sqrt()
        parts.append(exact.sort(1).values)
    found = torch.cat(parts).double().numpy()
    return np.concatenate([found, np.repeat(found[:, -1:], k - kept, axis=1)], axis=1)


def principal(
    reference: NDArray[np.float32], dimensions: int
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The map of records (n, *shape) to their first principal components (n, dimensions) at most.

    By the reference records, scaled so that these have unit variance in each.
    """
    x = flat(reference).astype(np.float64)
    center = x.mean(0)
    variances, axes = np.linalg.eigh((x - center).T @ (x - center) / len(x))  # the largest last
    sd, axes = np.sqrt(np.maximum(variances[::-1], 0)), axes.T[::-1]
    used = min(dimensions, int((sd > 1e-6 * max(sd[0], 1e-12)).sum()) or 1)
    scale = np.where(sd[:used] > 0, sd[:used], 1.0)

    def apply(records: NDArray[np.float32]) -> NDArray[np.float32]:
        projected = (flat(records).astype(np.float64) - center) @ axes[:used].T / scale
        return np.asarray(projected, dtype=np.float32)

    return apply
