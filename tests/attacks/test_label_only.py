"""Label-only: against a closed form and a slow reference, and what the models are asked."""

import dataclasses
from math import sqrt

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from privbench.attacks.label_only import LabelOnly

from .helpers import Network, auc, outputs_of_logits, random_population, views_of


class Recorder(Network):
    """A network that keeps its queries."""

    def __init__(self, weight):
        super().__init__(weight)
        self.queries = []

    def classify(self, x):
        self.queries.append(x)
        return super().classify(x)


def view_of_records(records, weight, labels):
    """Return the view of a linear target of this ``weight`` (features, classes) on ``records``."""
    target = Recorder(weight)
    models = target.query(records)[None]
    target.queries.clear()
    views = views_of(models, labels, np.zeros((1, len(labels)), dtype=bool))
    view = views[0]
    return view.__class__(**{**vars(view), "records": records, "target_model": target})


def plain(**parameters):
    return LabelOnly(calibrated=False, **parameters)


def right_answers(model, records, labels, asked):
    """How often a model gives each record its label: the record itself, and the copies asked."""
    return [
        sum(np.argmax(row @ model.weight) == y for row in (x, *(copy[i] for copy in asked)))
        for i, (x, y) in enumerate(zip(records, labels, strict=True))
    ]


def test_slow_reference_without_shadows():
    models, labels, member = random_population(n_models=2, n=50)
    view = views_of(models, labels, member)[0]
    view = view_of_records(view.records, view.target_model.weight, labels)
    scores = plain(copies=9, noise=0.2).score(view)
    queries = view.target_model.queries
    assert len(queries) == 9
    for score, s in zip(
        scores, right_answers(view.target_model, view.records, labels, queries), strict=True
    ):
        assert score == pytest.approx(np.log((s + 0.5) / (10 - s + 0.5)))


def recorded_views(n_models=8, n=60):
    models, labels, member = random_population(n_models=n_models, n=n, signal=2.0)
    views = views_of(models, labels, member)
    recorders = [Recorder(network.weight) for network in views.target_models]
    return dataclasses.replace(views, target_models=recorders, shadow_models=recorders)


def test_slow_reference_with_shadows():
    """Normals about the IN mean and the OUT mean of phi, with one variance each."""
    views = recorded_views()
    scores = LabelOnly(copies=5, noise=0.5).score_all(views)
    counts = np.array(
        [right_answers(m, views.records, views.labels, m.queries) for m in views.target_models]
    )
    phi = np.log((counts + 0.5) / (6 - counts + 0.5))
    for target in range(8):
        used = np.arange(8) != target
        log_density = {}
        for side, inside in (("in", views.shadow_member), ("out", ~views.shadow_member)):
            values = [phi[used & inside[:, i], i] for i in range(60)]
            squares = [((v - v.mean()) ** 2).sum() for v in values if len(v) >= 2]
            variance = sum(squares) / sum(len(v) for v in values if len(v) >= 2)
            centres = np.array([v.mean() if len(v) else np.nan for v in values])
            log_density[side] = norm.logpdf(phi[target], centres, np.sqrt(variance))
        expected = log_density["in"] - log_density["out"]
        known = ~np.isnan(expected)
        assert known.sum() > 40
        np.testing.assert_allclose(scores[target][known], expected[known], atol=1e-9)


def test_each_model_is_queried_once_per_copy_and_all_on_the_same_copies():
    views = recorded_views()
    LabelOnly(copies=5).score_all(views)
    first = views.target_models[0].queries
    for model in views.target_models:
        assert len(model.queries) == 5
        np.testing.assert_array_equal(model.queries, first)


def test_shadows_of_another_population_are_queried_on_the_same_copies():
    views = recorded_views()
    others = [Recorder(m.weight[:, ::-1]) for m in views.target_models]
    naive = dataclasses.replace(views, shadow_models=others)
    assert not np.allclose(
        LabelOnly(copies=5).score_all(naive), LabelOnly(copies=5).score_all(views)
    )
    np.testing.assert_array_equal(others[0].queries, views.target_models[0].queries[:5])


def test_shadows_tell_hard_records_from_nonmembers():
    """Records at different distances from the boundary, which training moves all by the same."""
    _, _, member = random_population(n_models=16, n=300)
    logits = np.zeros((16, 300, 2))
    rng = np.random.default_rng(0)
    logits[..., 0] = (
        rng.normal(scale=2, size=300) + 2 * member + 0.3 * rng.normal(size=member.shape)
    )
    views = views_of(outputs_of_logits(logits), np.zeros(300, int), member)
    calibrated, raw = (
        auc(LabelOnly(copies=32, noise=0.05, calibrated=c).score_all(views), member)
        for c in (True, False)
    )
    assert calibrated > raw + 0.05


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_the_distance_to_the_boundary_in_a_closed_form(noise):
    """A record d from the boundary keeps its label with probability Phi(d / noise)."""
    distance = np.linspace(-3, 3, 41)
    direction = np.array([0.6, 0.8])
    records = (distance[:, None] * direction).astype(np.float32)
    weight = np.stack([direction, np.zeros(2)], axis=1)  # logits (x . direction, 0)
    view = view_of_records(records, weight, np.zeros(41, dtype=np.int64))
    copies = 1500
    scores = plain(copies=copies, noise=noise).score(view)
    expected = (copies * norm.cdf(distance / noise) + (distance >= 0)) / (copies + 1)
    share = ((copies + 2) * expit(scores) - 0.5) / (copies + 1)
    np.testing.assert_allclose(share, expected, atol=4 * sqrt(0.25 / copies))


def test_it_sees_labels_only():
    models, labels, member = random_population(n_models=2, n=50)
    view = views_of(models, labels, member)[0]
    target = view.target.__class__(view.target.predicted, None)
    blind = view.__class__(**{**vars(view), "target": target})
    assert np.isfinite(plain(copies=2).score(blind)).all()
    assert LabelOnly.observes == "labels"
