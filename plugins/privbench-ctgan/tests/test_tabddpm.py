import numpy as np
import pytest
from privbench_ctgan import TabDdpm
from small_table import SPEC, records

from privbench import Data, DataSpec

SMALL = TabDdpm(steps=5, timesteps=10, hidden=(8, 8), batch_size=16)


def rngs(*seeds):
    return [np.random.default_rng(seed) for seed in seeds]


@pytest.fixture(scope="module")
def fitted():
    data = records(300)
    generator = TabDdpm(steps=500, timesteps=50, hidden=(32, 32), batch_size=128, lr=3e-3)
    return generator, generator.fit(data, np.random.default_rng(0))


def test_it_learns_a_table(fitted):
    data, sample = records(300), fitted[1].sample(1000, np.random.default_rng(1))
    np.testing.assert_allclose(sample.x[:, :3].mean(0), data.x[:, :3].mean(0), atol=0.1)
    assert sample.y.mean() == pytest.approx(data.y.mean(), abs=0.06)
    assert ((sample.x[:, 3] > 0) == sample.y).mean() > 0.85
    assert sample.x[:, 3].std() == pytest.approx(data.x[:, 3].std(), rel=0.2)


def test_restored_it_draws_the_same_records_and_has_the_same_losses(fitted):
    generator, one = fitted
    again = generator.restore(one.state(), SPEC)
    a, b = (each.sample(20, np.random.default_rng(3)) for each in (one, again))
    np.testing.assert_array_equal(a.x, b.x)
    a, b = (each.losses(records(9), [3], 2, np.random.default_rng(3)) for each in (one, again))
    np.testing.assert_array_equal(a, b)


def test_a_population_is_fitted_as_its_models_alone():
    sets = [records(30, seed) for seed in (1, 2)]
    together = SMALL.fit_population(sets, rngs(5, 6), "cpu", lambda done, total: None)
    for data, rng, one in zip(sets, rngs(5, 6), together, strict=True):
        alone = SMALL.fit(data, rng)
        for name, weight in alone.state().items():
            np.testing.assert_allclose(one.state()[name], weight, atol=1e-5)


def test_every_training_set_needs_its_rng():
    with pytest.raises(ValueError, match="2 training sets and 1 seeds"):
        SMALL.fit_population([records(9)] * 2, rngs(0), "cpu", lambda done, total: None)


def test_losses_have_the_same_draws_for_all_records(fitted):
    """So that losses of different records, and of different generators, can be compared."""
    data = records(6)
    whole = fitted[1].losses(data, [1, 5], 3, np.random.default_rng(0))
    assert whole.shape == (6, 2 * 3 * 2)
    order = np.array([4, 0, 5])
    part = fitted[1].losses(data.take(order), [1, 5], 3, np.random.default_rng(0))
    np.testing.assert_allclose(part, whole[order], rtol=1e-4, atol=1e-6)
    assert not np.allclose(whole, fitted[1].losses(data, [1, 5], 3, np.random.default_rng(1)))


def test_members_have_smaller_losses_where_a_generator_overfits():
    members, others = records(20, 1), records(200, 2)
    generator = TabDdpm(steps=600, timesteps=50, hidden=(64, 64), batch_size=64, lr=3e-3)
    fitted = generator.fit(members, np.random.default_rng(0))
    of_members, of_others = (
        fitted.losses(data, [0, 10, 20], 20, np.random.default_rng(0)).mean(0)
        for data in (members, others)
    )
    numbers, categories = slice(40, None, 2), slice(1, 40, 2)  # numbers at the later timesteps
    assert of_members[categories].mean() < 0.3 * of_others[categories].mean()
    assert of_members[numbers].mean() < 0.95 * of_others[numbers].mean()


@pytest.mark.parametrize(
    ("spec", "kinds"),
    [(DataSpec("tabular", (3,), 2), 1), (DataSpec("binary", (3,), 2), 1), (SPEC, 2)],
    ids=["numbers", "categories", "both"],
)
def test_tables_of_one_kind_of_column(spec, kinds):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (20, *spec.shape)).astype(np.float32)
    data = records(20) if spec == SPEC else Data(x, rng.integers(0, 2, 20), spec)
    fitted = SMALL.fit(data, rng)
    assert fitted.sample(7, rng).x.shape == (7, *spec.shape)
    assert fitted.losses(data, [0], 4, rng).shape == (20, 4 * kinds)


def test_each_parameter_changes_the_weights():
    data = records(30)
    weights = SMALL.fit(data, np.random.default_rng(0)).state()
    for change in ({"steps": 6}, {"timesteps": 11}, {"batch_size": 8}, {"lr": 0.01}):
        other = SMALL.model_copy(update=change).fit(data, np.random.default_rng(0)).state()
        assert not np.allclose(weights["layer1.w"], other["layer1.w"])
    assert SMALL.model_copy(update={"hidden": (4,)}).fit(data, np.random.default_rng(0)).state()[
        "layer0.w"
    ].shape == (1, 4, 4)
