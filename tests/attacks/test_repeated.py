"""Repeated queries: what is averaged, and what it gains where outputs are random."""

import dataclasses

import numpy as np
import pytest

from privbench.attacks.base_attack import BaseAttack
from privbench.attacks.info_rmia import InfoRmia
from privbench.attacks.lira import Lira
from privbench.attacks.repeated import answers_at_random, averaged
from privbench.attacks.rmia import Rmia

from .helpers import Network, auc, outputs_of_logits, random_population, views_of


class Noisy(Network):
    """A network that adds noise to its logits, other noise in each query."""

    def __init__(self, weight, seed, scale):
        super().__init__(weight)
        self.rng, self.scale, self.calls = np.random.default_rng(seed), scale, 0

    def query(self, x):
        self.calls += 1
        logits = x @ self.weight
        return outputs_of_logits(logits + self.scale * self.rng.normal(size=logits.shape))


def noisy_views(n_models=10, n=300, scale=4.0):
    models, labels, member = random_population(n_models=n_models, n=n, signal=3.0)
    views = views_of(models, labels, member)
    noisy = [Noisy(m.weight, seed, scale) for seed, m in enumerate(views.target_models)]
    answers = [model.query(views.records) for model in noisy]
    outputs = type(models)(
        *(np.stack(x) for x in zip(*((a.predicted, a.log_probs) for a in answers), strict=True))
    )
    return dataclasses.replace(
        views, targets=outputs, shadows=outputs, target_models=noisy, shadow_models=noisy
    ), member


def test_slow_reference():
    """The mean of the probabilities that are known and of those of two more queries."""
    (views, _), (again, _) = noisy_views(3, 20), noisy_views(3, 20)
    result = averaged(views, 3)
    for i, model in enumerate(again.target_models):
        answers = [again.targets[i], model.query(again.records), model.query(again.records)]
        mean = np.mean([np.exp(a.log_probs.astype(float)) for a in answers], axis=0)
        np.testing.assert_allclose(np.exp(result.targets.log_probs[i]), mean, rtol=1e-5)
        np.testing.assert_array_equal(result.targets.predicted[i], mean.argmax(axis=-1))
    assert result.shadows is result.targets
    assert [model.calls for model in views.target_models] == [3, 3, 3]


def test_one_query_asks_nothing():
    views, _ = noisy_views(3, 20)
    assert averaged(views, 1) is views
    assert not Lira().needs_models()
    assert Lira(queries_per_record=2).needs_models()


def test_shadows_that_are_no_targets_are_queried_as_often():
    views, _ = noisy_views(3, 20)
    others = [Noisy(m.weight, 9, 1.0) for m in views.target_models]
    result = averaged(dataclasses.replace(views, shadow_models=others), 4)
    assert result.shadows is not result.targets
    assert [model.calls for model in others] == [3, 3, 3]


def test_averaging_undoes_noise():
    areas = []
    for k in (1, 4, 16):
        views, member = noisy_views()
        areas.append(auc(Lira(queries_per_record=k).score_all(views), member))
    assert areas[1] > areas[0] + 0.03
    assert areas[2] > areas[1] + 0.02


def test_lira_says_what_it_lacks_where_there_are_predictions_only():
    views, _ = noisy_views(3, 20)
    views = dataclasses.replace(views, target_models=(), shadow_models=())
    assert Lira().obstacle(views) == ""
    assert "queries" in Lira(queries_per_record=2).obstacle(views)


@pytest.mark.parametrize("k", [1, 5])
def test_queries_do_not_change_what_models_say_without_noise(k):
    views = views_of(*random_population(n=50))
    np.testing.assert_allclose(
        Lira(queries_per_record=k).score_all(views), Lira().score_all(views), atol=1e-3
    )


def test_random_answers_are_noticed():
    assert answers_at_random(noisy_views(3, 20)[0])
    assert not answers_at_random(views_of(*random_population(n=50)))


@pytest.mark.parametrize("attack", [Rmia, InfoRmia, BaseAttack])
def test_other_attacks_on_confidences_gain_too(attack):
    models, labels, member = random_population(n_models=10, n=400, signal=3.0, references=100)
    views = views_of(models, labels, member, references=100)
    noisy = [Noisy(m.weight, seed, 4.0) for seed, m in enumerate(views.target_models)]
    answers = [model.query(views.records) for model in noisy]
    outputs = type(models)(
        *(np.stack(x) for x in zip(*((a.predicted, a.log_probs) for a in answers), strict=True))
    )
    views = dataclasses.replace(
        views, targets=outputs, shadows=outputs, target_models=noisy, shadow_models=noisy
    )
    once, often = (attack(queries_per_record=k).score_all(views) for k in (1, 16))
    truth = member[:, :400]
    assert auc(often, truth) > auc(once, truth) + 0.05


def shifted(x, rng):
    """An augmentation: record i becomes a mixture of itself and of another, other ones each time."""
    return x + 0.1 * x[rng.permutation(len(x))]


def test_augmented_copies_slow_reference():
    """The mean of the log-probabilities that are known and of those of two augmented copies."""
    views = views_of(*random_population(n_models=3, n=20))
    views = dataclasses.replace(views, augment=shifted)
    result, rng = averaged(views, 3), np.random.default_rng(0)
    copies = [shifted(views.records, rng) for _ in range(2)]
    for i, model in enumerate(views.target_models):
        answers = [views.targets[i], *(model.query(copy) for copy in copies)]
        mean = np.mean([a.log_probs.astype(float) for a in answers], axis=0)
        expected = mean - np.log(np.exp(mean).sum(axis=-1, keepdims=True))
        np.testing.assert_allclose(result.targets.log_probs[i], expected, rtol=1e-4, atol=1e-5)
    again = averaged(views, 3)
    np.testing.assert_array_equal(again.targets.log_probs, result.targets.log_probs)
    assert averaged(views, 1) is views


def test_averaging_augmented_copies_averages_confidences():
    """With two classes, phi of the mean is the mean of phi."""
    views = views_of(*random_population(n_models=3, n=20, n_classes=2))
    views = dataclasses.replace(views, augment=shifted)
    (copy,) = (shifted(views.records, np.random.default_rng(0)),)
    phi = [
        (a.scaled_confidence(views.labels) + m.query(copy).scaled_confidence(views.labels)) / 2
        for a, m in zip((views.targets[i] for i in range(3)), views.target_models, strict=True)
    ]
    result = averaged(views, 2).targets.scaled_confidence(views.labels)
    np.testing.assert_allclose(result, np.stack(phi), rtol=1e-3, atol=1e-3)
