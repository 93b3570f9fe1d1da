"""The contract of an attack on synthetic data.

    class Nearest(SyntheticAttack):
        '''Minus the distance to the closest synthetic record.'''
        name = "nearest"

        def score(self, view):
            return -nearest(view.records, view.synthetic.x)

The adversary sees the release of a defense, the records that the target model is trained on, and no
outputs of that model. With ``observes = "generator"`` it has the fitted generators themselves as well
(white-box). Larger scores mean member. An attack never sees the membership of its target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import NeedsShadows
from privbench.components import Component
from privbench.data import Data

if TYPE_CHECKING:
    from privbench.generators.base import FittedSampler

Floats = NDArray[np.float64]
ObservesOfRelease = Literal["synthetic", "generator"]


@dataclass(frozen=True)
class SyntheticView:
    """Everything that the adversary sees of one target, which is a release.

    Attributes:
        records: float32 (n_pool, *shape), the features of the pool.
        labels: int64 (n_pool,), the labels of the pool.
        synthetic: the release of the target.
        shadows: the releases of the shadows.
        shadow_member: bool (n_shadows, n_pool), which records are in the private set of each shadow.
        reference: records that are in no private set.
        rng: the only source of randomness.
        generator: the target's fitted generator; None unless the attack observes "generator".
        shadow_generators: the same of the shadows.
    """

    records: NDArray[np.float32]
    labels: NDArray[np.int64]
    synthetic: Data
    shadows: Sequence[Data]
    shadow_member: NDArray[np.bool_]
    reference: Data
    rng: np.random.Generator
    generator: FittedSampler | None = None
    shadow_generators: Sequence[FittedSampler] = ()


@dataclass(frozen=True)
class SyntheticViews:
    """The views of several targets at once, for attacks that share work between targets.

    With ``leave_one_out``, shadow i is target i or stands for it, and target i must not use it.
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
    target_generators: Sequence[FittedSampler] = ()
    shadow_generators: Sequence[FittedSampler] = ()

    def __len__(self) -> int:
        return len(self.targets)

    def __iter__(self) -> Iterator[SyntheticView]:
        """Iterate over the views of single targets, and report progress after each."""
        for target in range(len(self)):
            yield self[target]
            self.progress(target + 1, len(self))

    def __getitem__(self, target: int) -> SyntheticView:
        """Return the view of one target."""
        others = np.flatnonzero(self.used(target))
        return SyntheticView(
            records=self.records,
            labels=self.labels,
            synthetic=self.targets[target],
            shadows=[self.shadows[int(i)] for i in others],
            shadow_member=self.shadow_member[others],
            reference=self.reference,
            rng=self.rngs[target],
            generator=self.target_generators[target] if self.target_generators else None,
            shadow_generators=_at(self.shadow_generators, others),
        )

    def part(self, targets: NDArray[np.int64], shadows: NDArray[np.int64]) -> SyntheticViews:
        """Return the views of some targets, which may use some of the shadows, all of them.

        Args:
            targets: int64 (n,), indices of targets.
            shadows: int64 (k,), indices of shadows.
        """
        return replace(
            self,
            targets=[self.targets[i] for i in targets],
            shadows=[self.shadows[i] for i in shadows],
            target_generators=_at(self.target_generators, targets),
            shadow_generators=_at(self.shadow_generators, shadows),
            shadow_member=self.shadow_member[shadows],
            rngs=[self.rngs[i] for i in targets],
            leave_one_out=False,
        )

    def among(self, models: NDArray[np.int64]) -> SyntheticViews:
        """Return the views of some releases (n,), each with the others as shadows."""
        return replace(self.part(models, models), leave_one_out=True)

    def used(self, target: int) -> NDArray[np.bool_]:
        """Return which shadows (n_shadows,) a target may use."""
        used = np.ones(len(self.shadows), dtype=bool)
        if self.leave_one_out and len(used):
            used[target] = False
        return used

    def of_targets_and_shadows(self, statistic: Callable[[Data], Floats]) -> tuple[Floats, Floats]:
        """Compute a statistic (n_pool,) of each release, once where targets are shadows as well.

        Returns:
            Those of the targets (targets, n_pool), and those of the shadows (shadows, n_pool).
        """
        sets = {id(data): data for data in (*self.targets, *self.shadows)}
        values: dict[int, Floats] = {}
        for key, data in sets.items():
            values[key] = statistic(data)
            self.progress(len(values), len(sets))
        targets, shadows = (
            np.array([values[id(data)] for data in releases]).reshape(len(releases), -1)
            for releases in (self.targets, self.shadows)
        )
        return targets, shadows


def _at(
    generators: Sequence[FittedSampler], indices: NDArray[np.integer]
) -> Sequence[FittedSampler]:
    """Return the generators at ``indices``, or none if there are none."""
    return [generators[int(i)] for i in indices] if generators else ()


class SyntheticAttack(Component, ABC):
    """Gives each pool record a score for one target, which is a release."""

    kind: ClassVar[str] = "attack"
    observes: ClassVar[ObservesOfRelease] = "synthetic"
    """What it sees of a target: the "synthetic" data, or the fitted "generator" as well."""
    per_class_threshold: ClassVar[bool] = False
    """Whether balanced accuracy uses one threshold per class."""
    needs_shadows: ClassVar[NeedsShadows] = "same records"
    """Whether it uses shadows: "no", or "same records" for their releases."""

    def shadows_needed(self) -> NeedsShadows:
        """Return whether it uses shadows with these parameters; see ``needs_shadows``."""
        return self.needs_shadows

    def adds_up(self) -> bool:
        """Return whether scores of independent records add up, as log-likelihood ratios do."""
        return False

    def obstacle(self, views: SyntheticViews) -> str:
        """Return what is missing in ``views`` for this attack, or an empty string."""
        if self.observes == "generator" and not views.target_generators:
            return "needs the generators, and there is released data only"
        return ""

    @abstractmethod
    def score(self, view: SyntheticView) -> Floats:
        """Return scores (n_pool,), finite, larger = member."""

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool), which must equal those of ``score`` for each view."""
        return np.stack([self.score(view) for view in views])


class BatchedSyntheticAttack(SyntheticAttack):
    """An attack that scores all targets at once; a single target is a special case."""

    @abstractmethod
    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool), finite, larger = member."""

    def score(self, view: SyntheticView) -> Floats:
        """Return the scores (n_pool,) of one target."""
        views = SyntheticViews(
            records=view.records,
            labels=view.labels,
            targets=[view.synthetic],
            shadows=view.shadows,
            shadow_member=view.shadow_member,
            reference=view.reference,
            rngs=[view.rng],
            leave_one_out=False,
            target_generators=() if view.generator is None else [view.generator],
            shadow_generators=view.shadow_generators,
        )
        scores: Floats = self.score_all(views)[0]
        return scores


def flat(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return records (n, *shape) as vectors (n, features)."""
    return x.reshape(len(x), -1)


def nearest(
    x: NDArray[np.float32], others: NDArray[np.float32], k: int = 1, at_once: int = 1024
) -> Floats:
    """Compute the Euclidean distances of records to their ``k`` nearest of ``others``.

    Which records are nearest is decided from expanded squares, which may confuse two whose distances
    differ by less than about 1e-3 of the records' norm; the distances themselves are exact.

    Args:
        x: float32 (n, *shape), records.
        others: float32 (m, *shape), the records to search.
        k: number of neighbours.
        at_once: number of records to process at a time.

    Returns:
        float64 (n, k), ascending; the last distance is repeated if there are fewer than ``k`` others.
    """
    import torch

    from privbench.engine import as_tensor

    a, b = as_tensor(flat(x)), as_tensor(flat(others))
    squares, kept = b.square().sum(1), min(k, len(b))
    parts = []
    for part in torch.split(a, at_once):
        products = torch.addmm(squares[None], part, b.T, alpha=-2)
        if kept == 1:  # several times faster than the general case
            closest = products.min(dim=1, keepdim=True).indices
        else:
            closest = products.topk(kept, dim=1, largest=False).indices
        # recomputed for the nearest, without the cancellation of expanded squares
        exact = (part[:, None] - b[closest]).square().sum(-1).sqrt()
        parts.append(exact.sort(1).values)
    found = torch.cat(parts).double().numpy()
    return np.concatenate([found, np.repeat(found[:, -1:], k - kept, axis=1)], axis=1)


def log_density(
    points: NDArray[np.float32], data: NDArray[np.float32], width: float | None = None
) -> Floats:
    """Return the log-density (n,) at ``points`` (n, d) of Gaussian kernels on ``data`` (m, d).

    Args:
        points: float32 (n, d).
        data: float32 (m, d), the centres of the kernels.
        width: standard deviation of the kernels; by default `scotts_width`.
    """
    import torch

    from privbench.engine import as_tensor

    m, d = data.shape
    width = width or scotts_width(data)
    a, b = as_tensor(points), as_tensor(data)
    logs = torch.empty(len(a))  # one array: small ones between large ones fragment the memory
    for part, found in zip(torch.split(a, 256), torch.split(logs, 256), strict=True):
        # 256 at a time, so that the distances stay in the cache
        exponents = torch.cdist(part, b).square_().mul_(-0.5 / width**2)
        torch.logsumexp(exponents, 1, out=found)
    constant = np.log(m) + d * np.log(width * np.sqrt(2 * np.pi))
    density: Floats = logs.double().numpy() - constant
    return density


def scotts_width(data: NDArray[np.float32]) -> float:
    """Return the bandwidth for whitened records (m, d) by Scott's rule, m^(-1 / (d + 4))."""
    m, d = data.shape
    width: float = m ** (-1 / (d + 4))
    return width


def principal(
    reference: NDArray[np.float32], dimensions: int
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Fit a whitened principal component analysis to reference records.

    Args:
        reference: float32 (n, *shape), the records to fit; they have unit variance in each component.
        dimensions: the largest number of components; constant directions are left out.

    Returns:
        A function from records (m, *shape) to components (m, at most ``dimensions``).
    """
    x = flat(reference).astype(np.float64)
    center = x.mean(0)
    variances, axes = np.linalg.eigh((x - center).T @ (x - center) / len(x))  # the largest last
    sd, axes = np.sqrt(np.maximum(variances[::-1], 0)), axes.T[::-1]
    kept = min(dimensions, int((sd > 1e-6 * max(sd[0], 1e-12)).sum()) or 1)
    scale = np.where(sd[:kept] > 0, sd[:kept], 1.0)

    def apply(records: NDArray[np.float32]) -> NDArray[np.float32]:
        projected = (flat(records).astype(np.float64) - center) @ axes[:kept].T / scale
        return np.asarray(projected, dtype=np.float32)

    return apply
