"""Label-only: against a closed form, and the queries that the target gets."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import norm

from privbench.attacks.label_only import LabelOnly

from .helpers import Network, random_population, views_of


class Recorder(Network):
    """A network that keeps its queries."""

    def __init__(self, weight):
        super().__init__(weight)
        self.queries = []

    def query(self, x):
        self.queries.append(x)
        return super().query(x)


def view_of_records(records, weight, labels):
    """Return the view of a linear target of this ``weight`` (features, classes) on ``records``."""
    target = Recorder(weight)
    models = target.query(records)[None]
    target.queries.clear()
    views = views_of(models, labels, np.zeros((1, len(labels)), dtype=bool))
    view = views[0]
    return view.__class__(**{**vars(view), "records": records, "target_model": target})


def test_slow_reference():
    """The score is the fraction of correct predictions on the record and on the queried copies."""
    models, labels, member = random_population(n_models=2, n=50)
    view = views_of(models, labels, member)[0]
    view = view_of_records(view.records, view.target_model.weight, labels)
    scores = LabelOnly(copies=9, noise=0.2).score(view)
    queries = view.target_model.queries
    assert len(queries) == 9
    for i, (label, record) in enumerate(zip(labels, view.records, strict=True)):
        rows = [record, *(copy[i] for copy in queries)]
        right = [np.argmax(row @ view.target_model.weight) == label for row in rows]
        assert scores[i] == pytest.approx(np.mean(right))


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_the_distance_to_the_boundary_in_a_closed_form(noise):
    """A record d from the boundary keeps its label with probability Phi(d / noise)."""
    distance = np.linspace(-3, 3, 41)
    direction = np.array([0.6, 0.8])
    records = (distance[:, None] * direction).astype(np.float32)
    weight = np.stack([direction, np.zeros(2)], axis=1)  # logits (x . direction, 0)
    view = view_of_records(records, weight, np.zeros(41, dtype=np.int64))
    copies = 1500
    scores = LabelOnly(copies=copies, noise=noise).score(view)
    expected = (copies * norm.cdf(distance / noise) + (distance >= 0)) / (copies + 1)
    np.testing.assert_allclose(scores, expected, atol=4 * sqrt(0.25 / copies))


def mixed_records(rng, n=400):
    """Return records with a binary feature, a number, and a constant."""
    columns = [rng.integers(0, 2, n), rng.normal(size=n), np.zeros(n)]
    return np.stack(columns, axis=1).astype(np.float32)


def test_copies_have_flips_or_noise_by_the_kind_of_feature():
    records = mixed_records(np.random.default_rng(0))
    view = view_of_records(records, np.ones((3, 2)), np.zeros(400, dtype=np.int64))
    LabelOnly(copies=20, noise=0.5, flips=0.1).score(view)
    copies = np.stack(view.target_model.queries)
    assert copies.dtype == np.float32
    assert not np.array_equal(copies[0], copies[1])
    flipped = copies[..., 0] != records[:, 0]
    assert set(np.unique(copies[..., 0])) == {0, 1}
    assert flipped.mean() == pytest.approx(0.1, abs=4 * sqrt(0.09 / 8000))
    moved = copies[..., 1:] - records[:, 1:]  # the constant feature is not binary
    np.testing.assert_allclose(moved.mean(axis=(0, 1)), 0, atol=4 * 0.5 / sqrt(8000))
    np.testing.assert_allclose(moved.std(axis=(0, 1)), 0.5, rtol=4 / sqrt(16000))


def test_binary_features_are_flipped_independently():
    records = np.random.default_rng(0).integers(0, 2, (300, 2)).astype(np.float32)
    view = view_of_records(records, np.ones((2, 2)), np.zeros(300, dtype=np.int64))
    LabelOnly(copies=20, flips=0.5).score(view)
    first, second = np.moveaxis(np.stack(view.target_model.queries) != records, -1, 0)
    assert np.mean(first & second) == pytest.approx(0.25, abs=4 * sqrt(0.19 / 6000))


def test_it_sees_labels_only():
    models, labels, member = random_population(n_models=2, n=50)
    view = views_of(models, labels, member)[0]
    target = view.target.__class__(view.target.predicted, None)
    blind = view.__class__(**{**vars(view), "target": target})
    assert np.isfinite(LabelOnly(copies=2).score(blind)).all()
    assert LabelOnly.observes == "labels"
