"""Defenses of answers: what they keep, what they change, and that the stages fit them to models."""

from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from sklearn.linear_model import LogisticRegression

import privbench
from privbench.data import Column, DataSpec
from privbench.mechanisms.base import OutputContext
from privbench.mechanisms.hamp import HampOutput, in_order_of, random_records
from privbench.mechanisms.label_only import LabelOnlyOutput
from privbench.mechanisms.memguard import MemGuard, coins
from privbench.mechanisms.memguard_search import undecided
from privbench.mechanisms.rounding import Rounding
from privbench.mechanisms.temperature import Temperature
from privbench.mechanisms.top_k import TopK

CLASSES = 5
SPEC = DataSpec("tabular", (6,), CLASSES)


def rng(seed=0):
    return np.random.default_rng(seed)


def answers(n=400, classes=CLASSES, seed=0):
    return rng(seed).dirichlet(np.ones(classes), n)


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def model(x):
    """A model of SPEC's records, linear and fixed."""
    return softmax(x.astype(np.float64) @ rng(9).normal(size=(6, CLASSES)))


def sure(n, margin, seed):
    """Answers that give one class a logit higher by about ``margin``, and that class."""
    labels = rng(seed).integers(0, CLASSES, n)
    logits = rng(seed + 1).normal(size=(n, CLASSES))
    logits[range(n), labels] += margin
    return softmax(logits), labels


def context(query=model):
    """A model that is surer of its members."""
    return OutputContext(SPEC, *sure(300, 6.0, 0), *sure(240, 2.0, 10), query)


PLAIN = [
    Temperature(temperature=0.3), Temperature(temperature=7), Rounding(digits=1), Rounding(digits=3),
    TopK(k=1), TopK(k=3), LabelOnlyOutput(),
]  # fmt: skip
FITTED = [MemGuard(epochs=5, steps=20), MemGuard(epochs=5, steps=20, budget=0.1), HampOutput()]
every_mechanism = pytest.mark.parametrize("mechanism", PLAIN + FITTED, ids=str)
each_plain = pytest.mark.parametrize("mechanism", PLAIN, ids=str)
sharp = np.array([[1.0, 0, 0, 0, 0], [0, 1 - 1e-9, 1e-9, 0, 0], [0.6, 0.4, 0, 0, 0]])


@every_mechanism
def test_answers_are_probabilities_of_the_same_class(mechanism):
    answer = mechanism.fit(context(), rng())
    for asked in (answers(), sharp, model(rng(1).normal(size=(50, 6)))):
        before = asked.copy()
        found = answer(asked, rng(2))
        assert found.shape == asked.shape
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        np.testing.assert_array_equal(asked, before)
        top = np.take_along_axis(found, asked.argmax(1)[:, None], axis=1)[:, 0]
        np.testing.assert_array_equal(top, found.max(1))  # rounding may make it one of several
        if mechanism.name != "rounding":
            np.testing.assert_array_equal(found.argmax(1), asked.argmax(1))


@each_plain
def test_each_answer_is_changed_by_itself_and_without_chance(mechanism):
    asked = answers()
    found = mechanism.fit(context(), rng(3))(asked, rng(4))
    np.testing.assert_array_equal(found, mechanism.apply(asked, rng(5)))
    one_by_one = np.concatenate([mechanism.apply(one[None], rng()) for one in asked])
    np.testing.assert_array_equal(found, one_by_one)


@pytest.mark.parametrize(
    "mechanism", [Temperature(temperature=3), TopK(k=2), LabelOnlyOutput(), Rounding(digits=2)], ids=str
)  # fmt: skip
def test_no_class_is_special(mechanism):
    asked, order = answers(), rng(1).permutation(CLASSES)
    turned = mechanism.apply(asked[:, order], rng())
    np.testing.assert_allclose(turned, mechanism.apply(asked, rng())[:, order])


# Temperature, rounding, top-k, label-only


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_temperature_divides_logits(temperature):
    logits = 3 * rng().normal(size=(100, CLASSES))
    found = Temperature(temperature=temperature).apply(softmax(logits), rng())
    np.testing.assert_allclose(found, softmax(logits / temperature), atol=1e-12)


def test_temperatures_multiply():
    asked = answers()
    np.testing.assert_allclose(Temperature(temperature=1).apply(asked, rng()), asked)
    twice = asked
    for temperature in (0.5, 6.0):
        twice = Temperature(temperature=temperature).apply(twice, rng())
    np.testing.assert_allclose(Temperature(temperature=3).apply(asked, rng()), twice, atol=1e-12)


def test_limits_of_temperature():
    hot = Temperature(temperature=1e6).apply(answers(), rng())
    np.testing.assert_allclose(hot, 1 / CLASSES, atol=1e-4)
    cold = Temperature(temperature=1e-4).apply(answers(20), rng())
    np.testing.assert_allclose(cold, LabelOnlyOutput().apply(answers(20), rng()), atol=1e-6)


@pytest.mark.parametrize("digits", [1, 2, 4])
def test_rounding_rounds_and_scales(digits):
    for asked, found in zip(
        answers(), Rounding(digits=digits).apply(answers(), rng()), strict=True
    ):
        rounded = [round(p, digits) for p in asked]
        np.testing.assert_allclose(found, [p / sum(rounded) for p in rounded])


def test_limits_of_rounding():
    np.testing.assert_allclose(Rounding(digits=12).apply(answers(), rng()), answers(), atol=1e-11)
    none = Rounding(digits=1).apply(np.full((2, 40), 1 / 40), rng())
    np.testing.assert_allclose(none, 1 / 40)  # all are rounded to zero


def test_what_rounding_says_nothing_of_is_below_its_resolution():
    for digits in (1, 3):
        edge = Rounding(digits=digits).resolution()
        for share, seen in ((0.99, False), (1.01, True)):
            p = edge * share
            found = Rounding(digits=digits).apply(np.array([[1 - p, p]]), rng())
            assert (found[0, 1] > 0) == seen


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_gives_k_and_spreads_the_rest(k):
    for asked, found in zip(answers(), TopK(k=k).apply(answers(), rng()), strict=True):
        ranked = sorted(range(CLASSES), key=lambda c: -asked[c])
        rest = sum(asked[c] for c in ranked[k:]) / (CLASSES - k)
        for place, c in enumerate(ranked):
            assert found[c] == pytest.approx(asked[c] if place < k else rest)


@pytest.mark.parametrize("k", [CLASSES - 1, CLASSES, 100])
def test_top_k_of_all_classes_but_one_is_the_answer(k):
    np.testing.assert_array_equal(TopK(k=k).apply(answers(), rng()), answers())


def test_label_only_is_one_hot():
    found = LabelOnlyOutput().apply(answers(), rng())
    np.testing.assert_array_equal(found, np.eye(CLASSES)[answers().argmax(1)])


# HAMP's answers


def test_hamp_output_is_the_answer_to_a_random_record_in_the_order_of_the_true_one():
    asked_of_model = []

    def query(x):
        asked_of_model.append(x)
        return model(x)

    asked = answers(50)
    found = HampOutput().fit(context(query), rng())(asked, rng(1))
    (records,) = asked_of_model
    assert records.shape == (50, 6)
    np.testing.assert_allclose(np.sort(found), np.sort(model(records)))
    np.testing.assert_array_equal(found.argsort(1), asked.argsort(1))


def test_hamp_output_draws_new_records_for_each_query():
    asked, answer = answers(50), HampOutput().fit(context(), rng())
    generator = rng(1)
    first, second = answer(asked, generator), answer(asked, generator)
    assert not np.isclose(first, second).any(axis=1).all()
    np.testing.assert_array_equal(first, answer(asked, rng(1)))


def test_hamp_output_says_nothing_but_the_order():
    asked, answer = answers(50), HampOutput().fit(context(), rng())
    softened = Temperature(temperature=5).apply(asked, rng())  # another answer of the same order
    np.testing.assert_array_equal(answer(asked, rng(1)), answer(softened, rng(1)))


def test_in_order_of():
    values, order = np.array([[0.5, 0.2, 0.3]]), np.array([[0.1, 0.7, 0.2]])
    np.testing.assert_array_equal(in_order_of(values, order), [[0.2, 0.5, 0.3]])
    np.testing.assert_array_equal(in_order_of(answers(), answers()), answers())


@pytest.mark.parametrize("mechanism", [HampOutput(), MemGuard()], ids=str)
def test_mechanisms_that_must_see_the_model_say_so(mechanism):
    assert mechanism.fitted
    with pytest.raises(TypeError, match=f"{mechanism.name} .*use fit"):
        mechanism.apply(answers(), rng())


def test_random_images_are_uniform():
    images = random_records(DataSpec("image", (3, 4, 5), 2), 100, rng())
    assert images.shape == (100, 3, 4, 5)
    assert images.dtype == np.float32
    assert kstest(images.ravel(), "uniform").pvalue > 1e-3


def test_random_binary_records_are_fair_bits():
    bits = random_records(DataSpec("binary", (20,), 2), 500, rng())
    assert bits.dtype == np.float32
    assert set(np.unique(bits)) == {0.0, 1.0}
    assert bits.mean() == pytest.approx(0.5, abs=5 * 0.5 / 100)


def test_random_tables_have_one_category_a_column_and_normal_numbers():
    columns = (
        Column("a", "categorical", (0, 3), ("x", "y", "z")),
        Column("b", "numeric", (3, 4)),
        Column("c", "categorical", (4, 6), ("x", "y")),
    )
    for spec in (DataSpec("tabular", (7,), 2, columns), DataSpec("tabular", (7,), 2)):
        table = random_records(spec, 2000, rng())
        assert table.dtype == np.float32
        numeric = [3, 6] if spec.columns else range(7)
        for feature in numeric:
            assert kstest(table[:, feature], "norm").pvalue > 1e-3
    table = random_records(DataSpec("tabular", (7,), 2, columns), 2000, rng())
    for first, end in ((0, 3), (4, 6)):
        one = table[:, first:end]
        assert set(np.unique(one)) == {0.0, 1.0}
        np.testing.assert_array_equal(one.sum(axis=1), 1)
        np.testing.assert_allclose(one.mean(axis=0), 1 / (end - first), atol=0.06)


# MemGuard


@cache
def guarded(seed=0, **params):
    """The defense's answers, fitted; and the classifier that it was fitted with."""
    mechanism = MemGuard(**{"epochs": 15, "hidden": 16, **params})
    classifier = mechanism._classifier(context(), int(rng(seed).integers(2**63)))  # as fit does
    return mechanism.fit(context(), rng(seed)), classifier


def says_member(classifier, asked):
    with torch.no_grad():
        logits = classifier(torch.from_numpy(asked).float())
    return (logits[:, 1] > logits[:, 0]).numpy()


def margin(classifier, asked):
    with torch.no_grad():
        logits = classifier(torch.from_numpy(asked).float())
    return (logits[:, 1] - logits[:, 0]).abs().numpy()


def test_memguard_leaves_its_own_classifier_undecided():
    answer, classifier = guarded(budget=2.0, epochs=40)
    members, others = (
        sure(200, 6.0, 20)[0],
        sure(200, 2.0, 30)[0],
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


def test_memguards_classifier_sees_what_others_see():
    """Changes of tiny probabilities would turn a classifier of logarithms, and no other attack."""
    _, classifier = guarded()
    asked = sure(200, 9.0, 20)[0]
    tail = np.where(asked < 1e-4, asked / 100, asked)
    assert (tail != asked).mean() > 0.01
    with torch.no_grad():
        before, after = (classifier(torch.tensor(one).float()) for one in (asked, tail))
    torch.testing.assert_close(before, after, atol=1e-2, rtol=1e-2)
    shuffled = rng().permuted(asked, axis=1)  # which class it is says nothing
    with torch.no_grad():
        torch.testing.assert_close(classifier(torch.tensor(shuffled).float()), before)


def test_memguard_holds_against_an_attack_that_another_trained():
    """A logistic regression on the probabilities in order, trained on answers without the defense."""
    answer, _ = guarded(budget=2.0, epochs=40)
    attack = LogisticRegression(C=1e3, max_iter=1000)
    known = context()
    attack.fit(
        np.sort(np.concatenate([known.members, known.reference])), np.repeat([1, 0], [300, 240])
    )
    fresh = [sure(300, margin, seed)[0] for margin, seed in ((6.0, 20), (2.0, 30))]
    undefended = [attack.predict(np.sort(one)).mean() for one in fresh]
    defended = [attack.predict(np.sort(answer(one, rng()))).mean() for one in fresh]
    assert undefended[0] - undefended[1] > 0.6
    assert defended[0] - defended[1] < 0.2


def test_a_changed_answer_is_one_that_turns_the_decision():
    _, classifier = guarded()
    asked = np.concatenate([sure(150, 6.0, 20)[0], sure(150, 2.0, 30)[0]])
    found = undecided(classifier, asked, 50)
    changed = (found != asked).any(axis=1)
    assert changed.mean() > 0.5
    turned = says_member(classifier, asked) != says_member(classifier, found)
    np.testing.assert_array_equal(changed, turned)
    few = undecided(classifier, asked, 1)
    assert (few != asked).any(axis=1).mean() < changed.mean()


@pytest.mark.parametrize("gap", [1e-4, 1e-2])
def test_memguard_keeps_the_label_of_answers_that_are_nearly_tied(gap):
    answer, _ = guarded(budget=2.0)
    asked = -np.sort(-answers(300), axis=1)
    asked[:, :2] = asked[:, :2].mean(axis=1, keepdims=True) + np.array([-gap, gap]) / 2
    found = answer(asked, rng())
    assert (found != asked).any(axis=1).mean() > 0.5
    np.testing.assert_array_equal(found.argmax(1), 1)


def test_memguard_without_a_budget_changes_nothing():
    answer, _ = guarded(budget=0.0, epochs=2, steps=5)
    np.testing.assert_array_equal(answer(answers(), rng()), answers())


def test_asking_memguard_again_says_nothing_new():
    answer, _ = guarded(budget=0.2)
    asked = sure(100, 6.0, 20)[0]
    first = answer(asked, rng(1))
    np.testing.assert_allclose(answer(asked, rng(2)), first, atol=1e-6)
    order = rng(3).permutation(100)[:60]  # nor in another order, among other questions
    np.testing.assert_allclose(answer(asked[order], rng(4)), first[order], atol=1e-6)
    given = (first != asked).any(axis=1)
    assert 0 < given.sum() < 100


@pytest.mark.parametrize("budget", [0.02, 0.1, 0.3])
def test_the_mean_change_keeps_to_the_budget(budget):
    asked = sure(1000, 6.0, 20)[0]
    answer, classifier = guarded(budget=budget)
    size = np.abs(answer(asked, rng()) - asked).sum(axis=1)
    full = np.abs(undecided(classifier, asked, 300) - asked).sum(axis=1)
    chance = np.minimum(budget / np.maximum(full, 1e-12), 1)
    error = 5 * np.sqrt((full**2 * chance * (1 - chance)).sum()) / len(asked) + 1e-3
    assert size.mean() == pytest.approx((full * chance).mean(), abs=error)
    assert size.mean() <= budget + error
    assert (np.isclose(size, full, atol=1e-4) | (size == 0)).all()


@pytest.mark.parametrize(
    "change", [{"hidden": 8}, {"epochs": 1}, {"steps": 3}, {"budget": 0.05}], ids=str
)
def test_every_parameter_of_memguard_changes_its_answers(change):
    asked = sure(100, 4.0, 20)[0]
    before, after = (guarded(**params)[0](asked, rng()) for params in ({}, change))
    assert not np.allclose(before, after, atol=1e-4)
    assert set(MemGuard.model_fields) == {"hidden", "epochs", "steps", "budget"}


def test_memguard_follows_from_the_rng_of_its_fit():
    asked = sure(100, 6.0, 20)[0]
    first, again, other = (
        MemGuard(epochs=3).fit(context(), rng(seed))(asked, rng()) for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(first, again, atol=1e-6)
    assert not np.allclose(first, other, atol=1e-4)


def test_coins_are_uniform_and_follow_from_the_answer():
    tossed = coins(answers(3000))
    assert kstest(tossed, "uniform").pvalue > 1e-3
    assert len(set(tossed)) == 3000
    np.testing.assert_array_equal(tossed, coins(answers(3000)))
    np.testing.assert_array_equal(tossed[::-1], coins(answers(3000)[::-1]))


# The stages

BENCHMARK = """
[defenses.guarded]
mechanisms = [{ name = "memguard", epochs = 2, steps = 5 }]

[defenses.humble]
mechanisms = ["hamp", "hamp-output"]

[benchmarks.small]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [16], epochs = 2 }]
defenses = ["guarded", "humble"]
attacks = ["loss", "label-only"]
population = 3
pool = 100
canaries = 0
"""


def test_fitted_mechanisms_run_from_a_benchmark_to_rows(tmp_path):
    path = tmp_path / "benchmarks.toml"
    path.write_text(BENCHMARK)
    frame = privbench.run("small", config=path, results=tmp_path / "results")
    assert set(frame["status"]) == {"ok"}
    assert set(frame["defense"]) == {"guarded", "humble"}
    assert set(frame["attack"]) == {"loss", "label-only"}
