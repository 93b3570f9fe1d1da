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
    transform, classifier = guarded(budget=2.0, epochs=40)
    members, others = (
        confident(200, 6.0, 20)[0],
        confident(200, 2.0, 30)[0],
    )  # new ones
    found, elsewhere = transform(members, rng()), transform(others, rng())
    assert says_member(classifier, members).mean() > 0.8
    assert says_member(classifier, others).mean() < 0.2
    assert says_member(classifier, found).mean() < 0.2
    gap = np.median(margin(classifier, members)), np.median(margin(classifier, found))
    assert gap[1] < 0.3 * gap[0]
    told = says_member(classifier, found).mean() - says_member(classifier, elsewhere).mean()
    assert told < 0.1
    np.testing.assert_array_equal(found.argmax(1), members.argmax(1))
    np.testing.assert_array_equal(elsewhere.argmax(1), others.argmax(1))


def test_memguard_misleads_another_attack():
    """A logistic regression on sorted probabilities, trained on bare outputs."""
    transform, _ = guarded(budget=2.0, epochs=40)
    attack = LogisticRegression(C=1e3, max_iter=1000)
    known = context()
    attack.fit(
        np.sort(np.concatenate([known.member_outputs, known.reference_outputs])),
        np.repeat([1, 0], [300, 240]),
    )
    fresh = [confident(300, margin, seed)[0] for margin, seed in ((6.0, 20), (2.0, 30))]
    undefended = [attack.predict(np.sort(one)).mean() for one in fresh]
    defended = [attack.predict(np.sort(transform(one, rng()))).mean() for one in fresh]
    assert undefended[0] - undefended[1] > 0.6
    assert defended[0] - defended[1] < 0.2


@pytest.mark.parametrize("gap", [1e-4, 1e-2])
def test_nearly_tied_outputs_keep_their_label(gap):
    transform, _ = guarded(budget=2.0)
    bare = -np.sort(-outputs(300), axis=1)
    bare[:, :2] = bare[:, :2].mean(axis=1, keepdims=True) + np.array([-gap, gap]) / 2
    found = transform(bare, rng())
    assert (found != bare).any(axis=1).mean() > 0.5
    np.testing.assert_array_equal(found.argmax(1), 1)


def test_memguard_without_a_budget_changes_nothing():
    transform, _ = guarded(budget=0.0, epochs=2, steps=5)
    np.testing.assert_array_equal(transform(outputs(), rng()), outputs())


def test_repeated_queries_give_the_same_outputs():
    transform, _ = guarded(budget=0.2)
    bare = confident(100, 6.0, 20)[0]
    first = transform(bare, rng(1))
    np.testing.assert_allclose(transform(bare, rng(2)), first, atol=1e-6)
    order = rng(3).permutation(100)[:60]  # also in another order and batch
    np.testing.assert_allclose(transform(bare[order], rng(4)), first[order], atol=1e-6)
    given = (first != bare).any(axis=1)
    assert 0 < given.sum() < 100


@pytest.mark.parametrize("budget", [0.02, 0.1, 0.3])
def test_the_mean_perturbation_keeps_to_the_budget(budget):
    bare = confident(1000, 6.0, 20)[0]
    transform, classifier = guarded(budget=budget)
    size = np.abs(transform(bare, rng()) - bare).sum(axis=1)
    full = np.abs(perturb(classifier, bare, 300) - bare).sum(axis=1)
    chance = np.minimum(budget / np.maximum(full, 1e-12), 1)
    error = 5 * np.sqrt((full**2 * chance * (1 - chance)).sum()) / len(bare) + 1e-3
    assert size.mean() == pytest.approx((full * chance).mean(), abs=error)
    assert size.mean() <= budget + error
    assert (np.isclose(size, full, atol=1e-4) | (size == 0)).all()


@pytest.mark.parametrize(
    "change", [{"hidden": 8}, {"epochs": 1}, {"steps": 3}, {"budget": 0.05}], ids=str
)
def test_every_parameter_changes_the_outputs(change):
    bare = confident(100, 4.0, 20)[0]
    before, after = (guarded(**params)[0](bare, rng()) for params in ({}, change))
    assert not np.allclose(before, after, atol=1e-4)
    assert set(MemGuard.model_fields) == {"hidden", "epochs", "steps", "budget"}


def test_outputs_depend_on_the_rng_of_the_fit():
    bare = confident(100, 6.0, 20)[0]
    first, again, other = (
        MemGuard(epochs=3).fit(context(), rng(seed))(bare, rng()) for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(first, again, atol=1e-6)
    assert not np.allclose(first, other, atol=1e-4)


def test_hashes_are_uniform_and_depend_on_the_output_only():
    hashes = output_hashes(outputs(3000))
    assert kstest(hashes, "uniform").pvalue > 1e-3
    assert len(set(hashes)) == 3000
    np.testing.assert_array_equal(hashes, output_hashes(outputs(3000)))
    np.testing.assert_array_equal(hashes[::-1], output_hashes(outputs(3000)[::-1]))
