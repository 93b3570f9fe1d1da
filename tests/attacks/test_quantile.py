"""Quantile: against scikit-learn, and against known quantiles."""

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor

from privbench.attacks.quantile import Quantile

from .helpers import outputs_of_phi, random_population, views_of


def view_with_records(seed=0, n=60, references=150, shape=(2, 3)):
    """Return a view with records of shape (2, 3)."""
    models, labels, member = random_population(n_models=2, n=n, references=references, seed=seed)
    view = views_of(models, labels, member, references=references)[0]
    x = np.random.default_rng(seed).normal(size=(n + references, *shape)).astype(np.float32)
    return dataclasses.replace(view, records=x[:n], reference_records=x[n:])


@pytest.mark.parametrize("params", [{}, {"level": 0.3, "trees": 7, "leaf": 4}], ids=str)
def test_slow_reference(params):
    view = view_with_records()
    attack = Quantile(**params)

    def rows(records, labels):
        return [
            [*map(float, x.ravel()), *(float(c == y) for c in range(5))]
            for x, y in zip(records, labels, strict=True)
        ]

    def phi(outputs, labels):
        p = [np.exp(row.astype(float)) for row in outputs.log_probs]
        return [np.log(q[y] / (q.sum() - q[y])) for q, y in zip(p, labels, strict=True)]

    regression = HistGradientBoostingRegressor(
        loss="quantile",
        quantile=attack.level,
        max_iter=attack.trees,
        min_samples_leaf=attack.leaf,
    ).fit(
        rows(view.reference_records, view.reference_labels),
        phi(view.target_reference, view.reference_labels),
    )
    expected = phi(view.target, view.labels) - regression.predict(rows(view.records, view.labels))
    np.testing.assert_allclose(attack.score(view), expected, atol=1e-4)


def two_classes(n=30, references=400):
    """Return a view in which phi of class 1 is higher by 10, and records carry no information."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n + references)
    phi = rng.normal(size=(2, n + references)) + 10 * labels
    models = outputs_of_phi(np.where(labels == 0, phi, -phi))
    view = views_of(models, labels, np.zeros(phi.shape, bool), references=references)[0]
    blank = np.zeros((n + references, 1), np.float32)
    return dataclasses.replace(view, records=blank[:n], reference_records=blank[n:]), phi[0]


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_each_class_has_a_quantile_of_its_own(level):
    """A linear quantile regression on the classes is exact."""
    view, phi = two_classes()
    one_hot = np.eye(2)[np.concatenate([view.labels, view.reference_labels])]
    linear = QuantileRegressor(quantile=level, alpha=0, fit_intercept=False)
    linear.fit(one_hot[30:], phi[30:])
    expected = phi[:30] - linear.predict(one_hot[:30])
    np.testing.assert_allclose(Quantile(level=level, trees=200).score(view), expected, atol=0.15)


def test_with_too_few_records_for_two_leaves_it_is_the_quantile_of_all():
    view, phi = two_classes()
    scores = Quantile(level=0.9, leaf=300).score(view)
    np.testing.assert_allclose(scores, phi[:30] - np.quantile(phi[30:], 0.9), atol=1e-4)


def test_non_members_exceed_the_quantile_at_the_intended_fpr():
    view = view_with_records(n=1, references=2000, seed=3)
    pool, known = slice(1000), slice(1000, None)
    unseen = dataclasses.replace(
        view,
        labels=view.reference_labels[pool],
        target=view.target_reference[pool],
        records=view.reference_records[pool],
        reference_labels=view.reference_labels[known],
        target_reference=view.target_reference[known],
        reference_records=view.reference_records[known],
    )
    share = (Quantile(level=0.8, trees=20).score(unseen) > 0).mean()
    assert share == pytest.approx(0.2, abs=0.05)
