"""PMIA: against a slow reference, closed forms, and what it may use of a record."""

import dataclasses
from math import log

import numpy as np
import pytest
from scipy.stats import norm, t

from privbench.attacks.moments import Moments
from privbench.attacks.pmia import Pmia, neighbours_of
from privbench.attacks.shrinkage import Prior, log_variance_sums

from .helpers import (
    auc,
    hard_and_easy_population,
    outputs_of_phi,
    random_population,
    views_of,
)

KINDS = ["global", "class", "instance"]


def split_values(view):
    """Return, for each record, the list of its IN values and that of its OUT values."""
    phi = [shadow.scaled_confidence(view.labels) for shadow in view.shadows]
    inside, outside = [], []
    for record in range(len(view.labels)):
        rows = list(zip(phi, view.shadow_member[:, record], strict=True))
        inside.append([values[record] for values, is_in in rows if is_in])
        outside.append([values[record] for values, is_in in rows if not is_in])
    return inside, outside


def slow_proxies(kind, record, labels, centres, neighbours):
    """Return the proxies of one record."""
    others = [i for i in range(len(labels)) if i != record]
    same = [i for i in others if labels[i] == labels[record]]
    if kind == "global":
        return others
    if kind == "class":
        return same
    candidates = same if len(same) >= neighbours else others
    ordered = sorted(sorted([*candidates, record]), key=lambda i: round(centres[i], 9))
    at = ordered.index(record)
    width = min(neighbours, len(candidates))
    first = min(max(at - neighbours // 2, 0), len(ordered) - 1 - width)
    return [i for i in ordered[first : first + width + 1] if i != record]


def slow_pmia(view, kind, neighbours):
    """Return log-likelihood ratios, record by record."""
    inside, outside = split_values(view)
    known = [np.mean(values) for values in outside if values]
    centres = [np.mean(values) if values else np.mean(known) for values in outside]
    deviations = [(np.array(v) - np.mean(v)) ** 2 for v in outside if len(v) >= 2]
    variance = np.concatenate(deviations).mean()
    member = ~view.shadow_member
    phi = view.shadows.scaled_confidence(view.labels)
    sums = log_variance_sums(  # the prior of the variances has tests of its own
        Moments.of(phi, member, leave_one_out=False), np.array([[1e-6 * variance]])
    )
    prior = Prior.fit(sums)
    d0, s0 = prior.freedom.item(), prior.scale.item()
    target, scores = view.target.scaled_confidence(view.labels), []
    for record, value in enumerate(target):
        for wider in KINDS[: KINDS.index(kind) + 1][::-1]:
            proxies = slow_proxies(wider, record, view.labels, centres, neighbours)
            values = [v for i in proxies for v in inside[i]]
            if len(values) >= 2:
                break
        n = len(values)
        spread = np.sqrt(max(np.var(values, ddof=1), 1e-6 * variance) * (1 + 1 / n))
        log_in = t.logpdf(value, n - 1, np.mean(values), spread)
        out = np.array(outside[record])
        m = len(out)
        freedom = d0 + max(m - 1, 0)
        squares = ((out - out.mean()) ** 2).sum() if m else 0.0
        spread = np.sqrt((d0 * s0 + squares) / freedom * (1 + 1 / max(m, 1)))
        scores.append(log_in - t.logpdf(value, freedom, centres[record], spread))
    return scores


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("n_models", "n", "neighbours"), [(3, 60, 4), (8, 60, 7), (8, 60, 2), (8, 40, 100)]
)
def test_slow_reference(kind, n_models, n, neighbours):
    """With three models, many records have no OUT shadow; 100 is more than there are records."""
    views = views_of(*random_population(n_models=n_models, n=n))
    attack = Pmia(proxies=kind, neighbours=neighbours)
    for scores, view in zip(attack.score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow_pmia(view, kind, neighbours), rtol=1e-7, atol=1e-9)


def test_rare_classes_have_proxies_of_wider_kinds():
    models, labels, member = random_population(n_models=8, n=60)
    labels[labels == 4] = 3
    labels[:3] = [4, 5, 5]  # alone in its class, and two together
    models = outputs_of_phi(models.log_probs[..., 0].astype(float))
    for kind in KINDS:
        view = views_of(models, np.minimum(labels, 1), member)[0]
        view = dataclasses.replace(
            view, labels=np.where(np.arange(60) < 1, 1, 0), shadow_labels=view.labels
        )
        expected = slow_pmia(view, kind, 6)
        np.testing.assert_allclose(
            Pmia(proxies=kind, neighbours=6).score(view), expected, rtol=1e-7
        )


def normal_population(n_models, n, spread_of_records, rng):
    """Return a population of phi ~ N(m + 2 IN, 1), whose records have centres m."""
    member = rng.random((n_models, n)) < 0.5
    centre = spread_of_records * rng.normal(size=n)
    phi = centre + 2 * member + rng.normal(size=member.shape)
    return outputs_of_phi(phi), np.zeros(n, dtype=np.int64), member, centre, phi


def test_equal_records_have_the_log_ratio_of_two_normals():
    population = normal_population(400, 60, 0.0, np.random.default_rng(0))
    models, labels, member, _, phi = population
    expected = norm.logpdf(phi[0], 2) - norm.logpdf(phi[0], 0)
    for kind in KINDS:
        scores = Pmia(proxies=kind).score(views_of(models, labels, member)[0])
        near = np.abs(phi[0] - 1) < 2
        np.testing.assert_allclose(scores[near], expected[near], atol=0.6)
        assert np.corrcoef(scores, expected)[0, 1] > 0.99


def test_instances_tell_how_records_of_their_difficulty_behave():
    """All records together are a poor proxy where centres differ by more than training moves them."""
    population = normal_population(16, 600, 5.0, np.random.default_rng(1))
    models, labels, member, centre, phi = population
    views = views_of(models, labels, member)
    best = norm.logpdf(phi, centre + 2) - norm.logpdf(phi, centre)
    areas = {k: auc(Pmia(proxies=k).score_all(views), member) for k in KINDS}
    assert areas["instance"] > areas["global"] + 0.01
    assert auc(best, member) - 0.04 < areas["instance"] < auc(best, member)


def test_classes_tell_how_records_of_their_class_behave():
    """In one class training raises phi, in the other it lowers it."""
    rng = np.random.default_rng(2)
    member = rng.random((16, 600)) < 0.5
    labels = rng.integers(0, 2, 600)
    phi = np.where(labels == 0, 2.0, -2.0) * member + rng.normal(size=member.shape)
    log_odds = np.where(labels == 0, phi, -phi)
    views = views_of(outputs_of_phi(log_odds), labels, member)
    areas = {k: auc(Pmia(proxies=k).score_all(views), member) for k in KINDS}
    assert areas["class"] > areas["global"] + 0.05
    assert areas["class"] > 0.85
    assert abs(areas["instance"] - areas["class"]) < 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_a_records_own_in_values_are_never_used(kind):
    """They change the scores of others alone."""
    models, labels, member = random_population(n_models=8, n=60)
    view = views_of(models, labels, member)[0]
    changed = models.log_probs.astype(float)
    changed[:, 5][member[:, 5]] *= 3
    other = views_of(
        dataclasses.replace(models, log_probs=changed.astype(np.float32)), labels, member
    )[0]
    other = dataclasses.replace(other, target=view.target)
    first, second = (Pmia(proxies=kind, neighbours=6).score(v) for v in (view, other))
    assert second[5] == pytest.approx(first[5], rel=1e-9)
    assert (np.abs(second - first) > 1e-3).any()


@pytest.mark.parametrize("inside", [True, False])
def test_where_one_side_is_unknown_for_all_records_scores_are_zero(inside):
    models, labels, member = random_population(n_models=4, n=30)
    views = views_of(models, labels, np.full_like(member, inside))
    np.testing.assert_array_equal(Pmia().score_all(views), np.zeros((4, 30)))


def test_the_order_of_targets_and_the_names_of_classes_do_not_matter():
    models, labels, member = random_population(n_models=6, n=80)
    order = np.array([3, 0, 5, 1, 4, 2])
    scores = Pmia(neighbours=6).score_all(views_of(models, labels, member))
    reordered = dataclasses.replace(
        models, predicted=models.predicted[order], log_probs=models.log_probs[order]
    )
    again = Pmia(neighbours=6).score_all(views_of(reordered, labels, member[order]))
    np.testing.assert_allclose(again, scores[order], rtol=1e-9, atol=1e-12)
    renamed = dataclasses.replace(models, log_probs=models.log_probs[..., ::-1])
    again = Pmia(neighbours=6).score_all(views_of(renamed, 4 - labels, member))
    np.testing.assert_allclose(again, scores, rtol=1e-9, atol=1e-12)


def test_neighbours_are_next_in_order_and_of_the_class_if_it_is_large_enough():
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 2.5])
    labels = np.array([0, 0, 0, 0, 0, 1])
    near = neighbours_of(values, labels, 2)
    assert [set(row) for row in near] == [{1, 2}, {0, 2}, {1, 3}, {2, 4}, {2, 3}, {2, 3}]
    wide = neighbours_of(values, labels, 50)
    assert [set(row) for row in wide] == [set(range(6)) - {i} for i in range(6)]


def test_the_difficulty_of_records_does_not_matter():
    models, labels, member = hard_and_easy_population()
    assert auc(Pmia().score_all(views_of(models, labels, member)), member) > 0.9


def test_it_is_in_nats():
    """Evidence of independent records adds up: the mean odds of non-members are about one."""
    population = normal_population(64, 400, 3.0, np.random.default_rng(3))
    models, labels, member, _, _ = population
    scores = Pmia().score_all(views_of(models, labels, member))
    assert Pmia().adds_up()
    assert abs(log(np.exp(scores[~member]).mean())) < 0.2
