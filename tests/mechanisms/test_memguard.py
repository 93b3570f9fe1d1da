"""MemGuard: its own and other attacks, its budget, and repeated queries."""

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.linear_model import LogisticRegression

from privbench.mechanisms.memguard import MemGuard, output_hashes
from privbench.mechanisms.memguard_search import perturb

from .memguards import guarded, margin, says_member
from .outputs import confident, context, outputs, rng


def test_memguard_leaves_its_own_classifier_undecided():
    answer, classifier = guarded(budget=2.0, epochs=40)
    members, others = (
        confident(200, 6.0, 20)[0],
        confident(200, 2.0, 30)[0],
    )  # not those that it was trained on
    found, elsewhere = answer(members, rng()), answer(others, rng())
    assert says_member(classifier, members).mean() > 0.8
    assert says_member(classifier, others).mean() < 0.2
    assert says_member(classifier, found).mean() < 0.2
    gap = np.median(margin(classifier, members)), np.median(margin(classifier, found))
    assert gap[1] < 0.3 * gap[0]
    told = says_member(classifier, found).mean() - says_member(classifier, elsewhere).mean()
    assert told < 0.1
    np.testing.assert_array_equal(found.argmax(1), members.argmax(1))
    np.testing.assert_array_equal(elsewhere.argmax(1), others.argmax(1))


def test_memguard_holds_against_an_attack_that_another_trained():
    """A logistic regression on the probabilities in order, trained on answers without the defense."""
    answer, _ = guarded(budget=2.0, epochs=40)
    attack = LogisticRegression(C=1e3, max_iter=1000)
    known = context()
    attack.fit(
        np.sort(np.concatenate([known.member_outputs, known.reference_outputs])),
        np.repeat([1, 0], [300, 240]),
    )
    fresh = [confident(300, margin, seed)[0] for margin, seed in ((6.0, 20), (2.0, 30))]
    undefended = [attack.predict(np.sort(one)).mean() for one in fresh]
    defended = [attack.predict(np.sort(answer(one, rng()))).mean() for one in fresh]
    assert undefended[0] - undefended[1] > 0.6
    assert defended[0] - defended[1] < 0.2


@pytest.mark.parametrize("gap", [1e-4, 1e-2])
def test_memguard_keeps_the_label_of_answers_that_are_nearly_tied(gap):
    answer, _ = guarded(budget=2.0)
    asked = -np.sort(-outputs(300), axis=1)
    asked[:, :2] = asked[:, :2].mean(axis=1, keepdims=True) + np.array([-gap, gap]) / 2
    found = answer(asked, rng())
    assert (found != asked).any(axis=1).mean() > 0.5
    np.testing.assert_array_equal(found.argmax(1), 1)


def test_memguard_without_a_budget_changes_nothing():
    answer, _ = guarded(budget=0.0, epochs=2, steps=5)
    np.testing.assert_array_equal(answer(outputs(), rng()), outputs())


def test_asking_memguard_again_says_nothing_new():
    answer, _ = guarded(budget=0.2)
    asked = confident(100, 6.0, 20)[0]
    first = answer(asked, rng(1))
    np.testing.assert_allclose(answer(asked, rng(2)), first, atol=1e-6)
    order = rng(3).permutation(100)[:60]  # nor in another order, among other questions
    np.testing.assert_allclose(answer(asked[order], rng(4)), first[order], atol=1e-6)
    given = (first != asked).any(axis=1)
    assert 0 < given.sum() < 100


@pytest.mark.parametrize("budget", [0.02, 0.1, 0.3])
def test_the_mean_change_keeps_to_the_budget(budget):
    asked = confident(1000, 6.0, 20)[0]
    answer, classifier = guarded(budget=budget)
    size = np.abs(answer(asked, rng()) - asked).sum(axis=1)
    full = np.abs(perturb(classifier, asked, 300) - asked).sum(axis=1)
    chance = np.minimum(budget / np.maximum(full, 1e-12), 1)
    error = 5 * np.sqrt((full**2 * chance * (1 - chance)).sum()) / len(asked) + 1e-3
    assert size.mean() == pytest.approx((full * chance).mean(), abs=error)
    assert size.mean() <= budget + error
    assert (np.isclose(size, full, atol=1e-4) | (size == 0)).all()


@pytest.mark.parametrize(
    "change", [{"hidden": 8}, {"epochs": 1}, {"steps": 3}, {"budget": 0.05}], ids=str
)
def test_every_parameter_of_memguard_changes_its_answers(change):
    asked = confident(100, 4.0, 20)[0]
    before, after = (guarded(**params)[0](asked, rng()) for params in ({}, change))
    assert not np.allclose(before, after, atol=1e-4)
    assert set(MemGuard.model_fields) == {"hidden", "epochs", "steps", "budget"}


def test_memguard_follows_from_the_rng_of_its_fit():
    asked = confident(100, 6.0, 20)[0]
    first, again, other = (
        MemGuard(epochs=3).fit(context(), rng(seed))(asked, rng()) for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(first, again, atol=1e-6)
    assert not np.allclose(first, other, atol=1e-4)


def test_coins_are_uniform_and_follow_from_the_answer():
    tossed = output_hashes(outputs(3000))
    assert kstest(tossed, "uniform").pvalue > 1e-3
    assert len(set(tossed)) == 3000
    np.testing.assert_array_equal(tossed, output_hashes(outputs(3000)))
    np.testing.assert_array_equal(tossed[::-1], output_hashes(outputs(3000)[::-1]))
