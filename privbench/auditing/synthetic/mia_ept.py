"""MIA-EPT: how well models that are fitted to synthetic data predict each column of a record.

German, Samira, Elovici, Shabtai 2025, "MIA-EPT: Membership Inference Attack via Error Prediction for
Tabular Data", arXiv 2509.13046. For each release and each column, trees learn to predict the column from
the others; their errors on a record are its features. A classifier learns from the shadows' releases
which errors members have.

Deviations: few, deep, extremely randomised trees instead of a random forest, for speed, and a logistic
regression as the classifier.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from privbench.attacks.learned import log_odds, one_blas_thread
from privbench.attacks.synthetic import BatchedSyntheticAttack, Floats, SyntheticViews, flat
from privbench.data import Column, Data


class MiaEpt(BatchedSyntheticAttack):
    """Shadow classifier of the errors with which synthetic data predicts a record's columns."""

    name: ClassVar[str] = "mia-ept"
    paper: ClassVar[str] = "German et al. 2025, arXiv 2509.13046"

    trees: int = Field(10, ge=1, description="number of trees for each column")
    leaf: int = Field(1, ge=1, description="smallest number of synthetic records in a leaf")
    penalty: float = Field(1.0, gt=0, description="L2 penalty of the shadow classifier")

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool): log-odds of membership."""
        n = len(views.labels)
        with one_blas_thread():
            targets, shadows = views.of_targets_and_shadows(lambda data: self._errors(views, data))
            found = log_odds(
                shadows.reshape(len(shadows), n, -1),
                views.shadow_member,
                targets.reshape(len(targets), n, -1),
                self.penalty,
                leave_one_out=views.leave_one_out,
            )
        return np.nan_to_num(found)

    def _errors(self, views: SyntheticViews, data: Data) -> Floats:
        """Return the errors, and the true values of numbers, (n_pool, features) under one release."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        x, synthetic = flat(views.records), flat(data.x)
        features = []
        for column in data.spec.columns or _columns(x.shape[1]):
            span = slice(*column.features)
            others = np.ones(x.shape[1], dtype=bool)
            others[span] = False
            if not others.any() or (synthetic[:, span] == synthetic[:1, span]).all():
                continue
            options = {"n_estimators": self.trees, "min_samples_leaf": self.leaf, "random_state": 0}
            if column.type == "categorical":
                trees = ExtraTreesClassifier(**options)
                trees.fit(synthetic[:, others], synthetic[:, span].argmax(1))
                shares = trees.predict_proba(x[:, others])
                known = {code: i for i, code in enumerate(trees.classes_)}
                place = np.array([known.get(code, -1) for code in x[:, span].argmax(1)])
                right = np.where(place < 0, 0.0, shares[np.arange(len(x)), place])
                features.append(1 - right)
            else:
                trees = ExtraTreesRegressor(**options)
                trees.fit(synthetic[:, others], synthetic[:, span.start])
                error = np.abs(trees.predict(x[:, others]) - x[:, span.start])
                features += [np.log(error + 1e-3), x[:, span.start].astype(float)]
        if not features:
            return np.zeros((len(x), 1))
        return np.stack(features, axis=1)


def _columns(width: int) -> list[Column]:
    return [Column(str(i), "numeric", (i, i + 1)) for i in range(width)]
