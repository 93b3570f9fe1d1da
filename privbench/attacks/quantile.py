"""The quantile-regression attack, which needs reference records and no shadows.

Bertran et al. 2023, "Scalable Membership Inference Attacks via Quantile Regression", arXiv 2307.03694,
algorithm 1. A regression on non-members predicts a quantile of the confidence of a record like this one
under the same target, and the score is by how much the target's confidence exceeds it:

    phi(x) - q(x)        q(x): the ``level`` quantile of phi, given the record and its label

Deviations:

- The regression is gradient-boosted trees (scikit-learn) rather than a network, fitted to the reference
  records. The paper has far more non-members; with a few hundred, the regression is coarse.
- One level is fitted, and its threshold is shifted for other FPRs. The paper fits a grid of levels, or
  the mean and standard deviation of a Gaussian. The label is one of the regression's features.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import Attack, NeedsShadows, View


class Quantile(Attack):
    """Confidence above a quantile predicted for non-members."""

    name: ClassVar[str] = "quantile"
    paper: ClassVar[str] = "Bertran et al. 2023, arXiv 2307.03694"
    needs_shadows: ClassVar[NeedsShadows] = "no"
    needs_reference: ClassVar[bool] = True
    needs_records: ClassVar[bool] = True

    level: float = Field(
        0.9, gt=0, lt=1, description="level of the quantile: one minus the intended FPR"
    )
    trees: int = Field(50, ge=1, description="number of boosting rounds")
    leaf: int = Field(20, ge=1, description="smallest number of reference records in a leaf")

    def score(self, view: View) -> NDArray[np.float64]:
        """Return scores (n_pool,): logit-scaled confidence minus its predicted quantile."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        assert view.records is not None
        assert view.reference_records is not None  # needs_records
        regression = HistGradientBoostingRegressor(
            loss="quantile",
            quantile=self.level,
            max_iter=self.trees,
            min_samples_leaf=self.leaf,
            random_state=int(view.rng.integers(2**31)),
        )
        phi = view.target_reference.scaled_confidence(view.reference_labels)
        regression.fit(
            _features(view.reference_records, view.reference_labels, view.n_classes), phi
        )
        expected = regression.predict(_features(view.records, view.labels, view.n_classes))
        scores: NDArray[np.float64] = view.target.scaled_confidence(view.labels) - expected
        return scores


def _features(
    records: NDArray[np.float32], labels: NDArray[np.int64], n_classes: int
) -> NDArray[np.float32]:
    """Return the flattened records with their one-hot labels (n, features)."""
    one_hot = np.eye(n_classes, dtype=np.float32)[labels]
    return np.concatenate([records.reshape(len(records), -1), one_hot], axis=1)
