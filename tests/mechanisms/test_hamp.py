"""HAMP: the loss against torch.distributions, and the outputs on random records."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch.distributions import Categorical, kl_divergence

from privbench.data import Column, DataSpec
from privbench.engine import cross_entropy
from privbench.mechanisms.hamp import (
    Hamp,
    HampOutput,
    random_records,
    reorder,
    soft_label_entropy,
    top_probability,
)
from privbench.mechanisms.temperature import Temperature

from .outputs import context, model, outputs, rng
from .training import CLASSES, batch, linear


@pytest.mark.parametrize("weight", [0.0, 0.01, 2.0])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_hamp_is_kl_to_soft_labels_minus_weighted_entropy(share, weight):
    found = Hamp(entropy=share, weight=weight).loss(linear(), batch())
    answers, top = Categorical(logits=linear()(batch().x)), top_probability(share, CLASSES)
    soft = torch.full((10, CLASSES), (1 - top) / (CLASSES - 1))
    soft[range(10), batch().y] = top
    expected = kl_divergence(Categorical(soft), answers) - weight * answers.entropy()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_limits_of_hamp():
    hard = Hamp(entropy=1e-9, weight=0).loss(linear(), batch())
    torch.testing.assert_close(hard, cross_entropy(linear(), batch()), atol=1e-4, rtol=1e-4)
    flat = Hamp(entropy=1 - 1e-12, weight=0).loss(linear(), batch())
    uniform = Categorical(torch.full((10, CLASSES), 1 / CLASSES))
    expected = kl_divergence(uniform, Categorical(logits=linear()(batch().x)))
    torch.testing.assert_close(flat, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 100])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_soft_labels_have_the_given_entropy(share, classes):
    top = top_probability(share, classes)
    soft = torch.full((classes,), (1 - top) / (classes - 1), dtype=torch.float64)
    soft[0] = top
    assert top > 1 / classes
    assert Categorical(soft).entropy() == pytest.approx(share * np.log(classes), rel=1e-5)
    assert soft_label_entropy(top, classes) == pytest.approx(share * np.log(classes), rel=1e-9)


def test_outputs_are_those_on_random_records_in_the_true_order():
    queried = []

    def query(x):
        queried.append(x)
        return model(x)

    bare = outputs(50)
    found = HampOutput().fit(context(query), rng())(bare, rng(1))
    (records,) = queried
    assert records.shape == (50, 6)
    np.testing.assert_allclose(np.sort(found), np.sort(model(records)))
    np.testing.assert_array_equal(found.argsort(1), bare.argsort(1))


def test_each_query_draws_new_records():
    bare, answer = outputs(50), HampOutput().fit(context(), rng())
    generator = rng(1)
    first, second = answer(bare, generator), answer(bare, generator)
    assert not np.isclose(first, second).any(axis=1).all()
    np.testing.assert_array_equal(first, answer(bare, rng(1)))


def test_outputs_depend_on_the_order_of_the_bare_outputs_only():
    bare, answer = outputs(50), HampOutput().fit(context(), rng())
    softened = Temperature(temperature=5).apply(bare, rng())  # other outputs of the same order
    np.testing.assert_array_equal(answer(bare, rng(1)), answer(softened, rng(1)))


def test_reorder():
    values, order = np.array([[0.5, 0.2, 0.3]]), np.array([[0.1, 0.7, 0.2]])
    np.testing.assert_array_equal(reorder(values, order), [[0.2, 0.5, 0.3]])
    np.testing.assert_array_equal(reorder(outputs(), outputs()), outputs())


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


def test_random_tables_have_one_category_per_column_and_normal_numbers():
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
