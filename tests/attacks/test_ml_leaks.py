"""ML-Leaks: against scikit-learn with another solver, and what its attack model ignores."""

from math import exp, log

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from privbench.attacks.ml_leaks import MlLeaks

from .helpers import auc, outputs_of_logits, random_population, view_of


def slow_features(row, largest):
    """Return the logarithms of the largest probabilities, and of one minus the largest."""
    ordered = sorted(row.astype(float), reverse=True)
    return [*ordered[:largest], log(sum(exp(value) for value in ordered[1:]))]


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize(("largest", "penalty"), [(3, 1.0), (1, 0.1), (4, 20.0)])
def test_slow_reference(n_classes, largest, penalty):
    models, labels, member = random_population(n_models=5, n=100, n_classes=n_classes)
    view = view_of(models, labels, member)
    features = [slow_features(row, largest) for shadow in view.shadows.log_probs for row in shadow]
    pipeline = make_pipeline(
        StandardScaler(), LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000)
    )
    pipeline.fit(features, view.shadow_member.ravel())
    target_features = [slow_features(row, largest) for row in view.target.log_probs]
    np.testing.assert_allclose(
        MlLeaks(largest=largest, penalty=penalty).score(view),
        pipeline.decision_function(target_features),
        atol=1e-4,
    )


def test_neither_labels_nor_the_order_of_classes_matter():
    models, labels, member = random_population(n_models=5, n=100)
    rng = np.random.default_rng(0)
    scores = MlLeaks().score(view_of(models, labels, member))
    shuffled = outputs_of_logits(rng.permuted(models.log_probs, axis=-1))
    permuted = MlLeaks().score(view_of(shuffled, rng.permutation(labels), member))
    np.testing.assert_allclose(permuted, scores, rtol=1e-4, atol=1e-5)


def test_it_learns_which_way_certainty_points():
    """It also detects members whose outputs are less confident than those of non-members."""
    models, labels, member = random_population(signal=3.0)
    view = view_of(models, labels, ~member)
    assert auc(MlLeaks().score(view), ~member[0]) > 0.7


def test_without_both_kinds_there_is_no_evidence():
    models, labels, member = random_population(n_models=3, n=20)
    assert (MlLeaks().score(view_of(models, labels, np.ones_like(member))) == 0).all()
