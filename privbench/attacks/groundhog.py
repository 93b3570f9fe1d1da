"""Groundhog: Stadler, Oprisanu, Troncoso 2022, arXiv 2011.07018.

A classifier of whole sets: features of the shadows' synthetic sets (means, variances and medians of each
column; correlations), and whether the record was in. The paper trains one classifier for each attacked
record on many shadows; a population has few, so features are reduced to the directions in which the
shadows' sets differ most, and the classifier is linear discriminant analysis with a common covariance.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.synthetic import BatchedSyntheticAttack, Floats, SyntheticViews, flat
from privbench.data import Data

PAIRS = 64
"""Columns whose correlations are features: those that vary most in the reference records."""


class Groundhog(BatchedSyntheticAttack):
    """A shadow classifier on features of the whole synthetic set."""

    name: ClassVar[str] = "groundhog"
    paper: ClassVar[str] = "Stadler, Oprisanu, Troncoso 2022, arXiv 2011.07018"

    features: Literal["naive", "correlations", "both"] = Field(
        "both", description="of a set: moments of its columns, their correlations, or both"
    )
    dimensions: int = Field(16, ge=1, description="principal components of the sets' features")
    ridge: float = Field(
        0.1, gt=0, description="added to the variance within classes, as a share of it"
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool): discriminants, IN minus OUT."""
        columns = np.argsort(-flat(views.reference.x).var(0), kind="stable")[:PAIRS]
        sets = {id(data): data for data in (*views.targets, *views.shadows)}
        found = {key: self._features_of(data, columns) for key, data in sets.items()}
        targets = np.stack([found[id(data)] for data in views.targets])
        shadows = np.stack([found[id(data)] for data in views.shadows])
        scores = np.zeros((len(views), len(views.labels)))
        for i, target in enumerate(targets):
            used = views.used(i)
            member = views.shadow_member[used]
            if used.sum() > 2:
                scores[i] = self._discriminant(target, shadows[used], member)
        return scores

    def _features_of(self, data: Data, columns: NDArray[np.int64]) -> Floats:
        x = flat(data.x).astype(np.float64)
        parts = []
        if self.features != "correlations":
            parts += [x.mean(0), np.median(x, 0), x.var(0)]
        if self.features != "naive":
            chosen = x[:, columns]
            centred = chosen - chosen.mean(0)
            sd = np.maximum(centred.std(0), 1e-9)
            upper = np.triu_indices(len(columns), 1)
            parts.append((centred.T @ centred / len(x) / np.outer(sd, sd))[upper])
        return np.concatenate(parts)

    def _discriminant(self, target: Floats, shadows: Floats, member: NDArray[np.bool_]) -> Floats:
        """Of all records at once (n,): (f - middle) . S^-1 (mean IN - mean OUT)."""
        center, sd = shadows.mean(0), shadows.std(0)
        sd = np.where(sd > 1e-9, sd, np.inf)  # columns that are the same in all sets say nothing
        scaled, own = (shadows - center) / sd, (target - center) / sd
        _, _, axes = np.linalg.svd(scaled, full_matrices=False)
        axes = axes[: min(self.dimensions, len(shadows) - 2)]
        z, f = scaled @ axes.T, own @ axes.T  # (shadows, k), (k,)
        inside, outside = member.sum(0), (~member).sum(0)  # (n,)
        mean_in = member.T @ z / np.maximum(inside, 1)[:, None]  # (n, k)
        mean_out = (~member).T @ z / np.maximum(outside, 1)[:, None]
        # the covariance within classes hardly differs between records: that of all sets serves
        within = np.maximum(z.var(0), 1e-12) * (1 + self.ridge)
        weight = (mean_in - mean_out) / within
        scores: Floats = ((f - (mean_in + mean_out) / 2) * weight).sum(1)
        return np.where((inside > 0) & (outside > 0), scores, 0.0)
