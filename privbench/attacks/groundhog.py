"""Groundhog: a shadow classifier of whole synthetic sets.

Stadler, Oprisanu, Troncoso 2022, "Synthetic Data - Anonymisation Groundhog Day", arXiv 2011.07018. For
each attacked record, a classifier learns from features of the shadows' synthetic sets (means, variances
and medians of the columns, and correlations) whether the record was in the private set.

Deviation: the paper trains each classifier on many shadows. A population has few, so the features are
reduced to the principal components over the shadows' sets, and the classifier is linear discriminant
analysis with a common covariance.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.synthetic import BatchedSyntheticAttack, Floats, SyntheticViews, flat
from privbench.data import Data

MAX_CORRELATED = 64
"""Number of columns whose correlations are features: those of largest variance among references."""


class Groundhog(BatchedSyntheticAttack):
    """Shadow classifier on features of the whole synthetic set."""

    name: ClassVar[str] = "groundhog"
    paper: ClassVar[str] = "Stadler, Oprisanu, Troncoso 2022, arXiv 2011.07018"

    features: Literal["naive", "correlations", "both"] = Field(
        "both",
        description="features of a synthetic set: moments of its columns (naive), their "
        "correlations, or both",
    )
    dimensions: int = Field(
        16, ge=1, description="number of principal components of the sets' features"
    )
    ridge: float = Field(
        0.1,
        gt=0,
        description="regularisation of the discriminant: the fraction by which within-class "
        "variances are increased",
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool): linear discriminants, IN against OUT."""
        columns = np.argsort(-flat(views.reference.x).var(0), kind="stable")[:MAX_CORRELATED]
        sets = {id(data): data for data in (*views.targets, *views.shadows)}
        features = {key: self._features_of(data, columns) for key, data in sets.items()}
        targets = np.stack([features[id(data)] for data in views.targets])
        shadows = np.stack([features[id(data)] for data in views.shadows])
        scores = np.zeros((len(views), len(views.labels)))
        for i, target in enumerate(targets):
            may_use = views.used(i)
            member = views.shadow_member[may_use]
            if may_use.sum() > 2:
                scores[i] = self._discriminant(target, shadows[may_use], member)
        return scores

    def _features_of(self, data: Data, columns: NDArray[np.int64]) -> Floats:
        """Return the features (f,) of a synthetic set; correlations are those of ``columns``."""
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
        """Compute (f - (mean IN + mean OUT) / 2) . S^-1 (mean IN - mean OUT) for all records.

        Args:
            target: (f,), the features of the target's set.
            shadows: (shadows, f), those of the shadows' sets.
            member: bool (shadows, n), the membership of the shadows.

        Returns:
            (n,); zero for a record without IN shadows or without OUT shadows.
        """
        center, sd = shadows.mean(0), shadows.std(0)
        sd = np.where(sd > 1e-9, sd, np.inf)  # ignores features that are the same in all sets
        scaled, scaled_target = (shadows - center) / sd, (target - center) / sd
        _, _, axes = np.linalg.svd(scaled, full_matrices=False)
        axes = axes[: min(self.dimensions, len(shadows) - 2)]
        z, f = scaled @ axes.T, scaled_target @ axes.T  # (shadows, k), (k,)
        n_in, n_out = member.sum(0), (~member).sum(0)  # (n,)
        mean_in = member.T @ z / np.maximum(n_in, 1)[:, None]  # (n, k)
        mean_out = (~member).T @ z / np.maximum(n_out, 1)[:, None]
        # Each record matters little, so the variance over all sets stands for that within classes.
        within = np.maximum(z.var(0), 1e-12) * (1 + self.ridge)
        weight = (mean_in - mean_out) / within
        scores: Floats = ((f - (mean_in + mean_out) / 2) * weight).sum(1)
        return np.where((n_in > 0) & (n_out > 0), scores, 0.0)
