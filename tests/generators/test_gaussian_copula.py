"""The copula on data whose distribution is known."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from privbench.data import Column, Data, DataSpec
from privbench.generators.gaussian_copula import GaussianCopula

from .problems import BINARY, IMAGE, MIXED, NUMERIC, SPECS, assert_same, differ, records, rng_of

COPULA = GaussianCopula()


@pytest.mark.parametrize("kind", SPECS)
def test_samples_are_valid_records(kind):
    data = records(SPECS[kind], 50)
    drawn = COPULA.fit(data, rng_of()).sample(30, rng_of(1))
    assert drawn.x.shape == (30, *data.spec.shape)
    assert set(drawn.y) <= set(range(data.spec.n_classes))
    assert drawn.x.min() >= data.x.min()
    assert drawn.x.max() <= data.x.max()
    for column in data.spec.columns:
        if column.type == "categorical":
            block = drawn.x[:, slice(*column.features)]
            np.testing.assert_array_equal(np.sort(block, 1)[:, :-1], 0)
            np.testing.assert_array_equal(block.sum(1), 1)


@pytest.mark.parametrize("spec", [BINARY, MIXED], ids=["binary", "mixed"])
def test_categories_survive_the_way_there_and_back(spec):
    data = records(spec, 50)
    fitted = COPULA.fit(data, rng_of())
    back = fitted.decode(fitted.encode(data))
    discrete = [i for i in range(spec.shape[0]) if spec is BINARY or i not in (0, 4)]
    np.testing.assert_array_equal(back[:, discrete], data.x[:, discrete])
    if spec is MIXED:
        assert np.abs(back[:, [0, 4]] - data.x[:, [0, 4]]).mean() < 0.1


def test_numbers_keep_their_distribution_and_correlation():
    rng = rng_of()
    z = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 4000)
    x = np.column_stack([np.exp(z[:, 0]), z[:, 1]]).astype(np.float32)
    data = Data(x, rng.integers(0, 2, 4000), DataSpec("tabular", (2,), 2))
    drawn = GaussianCopula(shrinkage=1e-6).fit(data, rng_of()).sample(4000, rng_of(1))
    for i in range(2):
        assert ks_2samp(drawn.x[:, i], x[:, i]).statistic < 0.04
    found = np.corrcoef(np.log(drawn.x[:, 0]), drawn.x[:, 1])[0, 1]
    assert abs(found - 0.8) < 0.03


def test_frequencies_and_dependence_of_binary_features_and_labels():
    rng = rng_of()
    first = rng.random(4000) < 0.3
    second = np.where(rng.random(4000) < 0.9, first, ~first)
    y = np.where(rng.random(4000) < 0.8, first, rng.random(4000) < 0.5).astype(np.int64)
    data = Data(np.column_stack([first, second]).astype(np.float32), y, DataSpec("binary", (2,), 2))
    drawn = COPULA.fit(data, rng_of()).sample(4000, rng_of(1))
    np.testing.assert_allclose(drawn.x.mean(0), data.x.mean(0), atol=0.03)
    assert abs(drawn.y.mean() - y.mean()) < 0.03
    for one, other in ((drawn.x[:, 1], drawn.x[:, 0]), (drawn.y, drawn.x[:, 0])):
        assert np.corrcoef(one, other)[0, 1] > 0.3  # middles of intervals weaken it


def test_independent_variables_stay_so():
    drawn = COPULA.fit(records(NUMERIC, 2000), rng_of()).sample(2000, rng_of(1))
    assert np.abs(np.corrcoef(drawn.x.T) - np.eye(4)).max() < 0.1
    assert kstest(drawn.x[:, 0], "norm").statistic < 0.05


@pytest.mark.parametrize("kind", SPECS)
def test_states_are_restored(kind):
    data = records(SPECS[kind], 40)
    fitted = COPULA.fit(data, rng_of())
    restored = COPULA.restore(fitted.state(), data.spec)
    one, other = (each.sample(9, rng_of(1)) for each in (fitted, restored))
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(fitted.encode(data), restored.encode(data))


def test_nothing_is_random_and_only_these_records_count():
    data = records(MIXED)
    assert_same(COPULA.fit(data, rng_of(1)), COPULA.fit(data, rng_of(2)))
    assert differ(COPULA.fit(data, rng_of()), COPULA.fit(records(MIXED, seed=1), rng_of()))
    assert differ(COPULA.fit(data, rng_of()), GaussianCopula(shrinkage=0.5).fit(data, rng_of()))


def test_few_and_constant_records():
    for n in (1, 2):
        drawn = COPULA.fit(records(MIXED, n), rng_of()).sample(5, rng_of())
        assert np.isfinite(drawn.x).all()
    data = records(IMAGE, 10)
    still = Data(np.full_like(data.x, 0.25), data.y, IMAGE)
    np.testing.assert_array_equal(COPULA.fit(still, rng_of()).sample(4, rng_of()).x, 0.25)


def test_too_many_variables_are_skipped():
    assert COPULA.skip(MIXED) == ""
    assert "these records have 3072" in COPULA.skip(DataSpec("image", (3, 32, 32), 10))
    assert (
        COPULA.skip(DataSpec("tabular", (3000,), 2, (Column("a", "categorical", (0, 3000)),))) == ""
    )
