"""CTGAN and TVAE: thin wrappers, so little is asked of what they learn."""

import numpy as np
import pytest
from privbench_ctgan import Ctgan, Tvae
from small_table import SPEC, records

SMALL = {"hidden": (16,), "dim": 4, "batch_size": 50}


@pytest.mark.parametrize("generator", [Ctgan(epochs=2, **SMALL), Tvae(epochs=2, **SMALL)], ids=str)
def test_equal_seeds_draw_equal_records(generator):
    """600 records: from 500 on the package would transform columns in processes, without a seed."""
    data = records(600)
    drawn = [generator.fit(data, np.random.default_rng(0)) for _ in range(2)]
    a, b = (fitted.sample(20, np.random.default_rng(1)) for fitted in drawn)
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.y, b.y)
    assert a.spec == SPEC
    assert a.x.shape == (20, 4)
    c = drawn[0].sample(20, np.random.default_rng(2))
    assert not np.array_equal(a.x, c.x)
    assert drawn[0].state() is None


def test_it_uses_no_global_source_of_randomness():
    before = np.random.get_state()[1].copy()
    Tvae(epochs=1, **SMALL).fit(records(60), np.random.default_rng(0)).sample(
        5, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_tvae_learns_a_table():
    data = records(400)
    generator = Tvae(epochs=60, hidden=(32,), dim=8, batch_size=50)
    sample = generator.fit(data, np.random.default_rng(0)).sample(1000, np.random.default_rng(1))
    assert ((sample.x[:, 3] > 0) == sample.y).mean() > 0.8
    np.testing.assert_allclose(sample.x[:, :3].mean(0), data.x[:, :3].mean(0), atol=0.12)


def test_parameters_reach_the_package():
    ctgan = Ctgan(epochs=3, lr=0.01, hidden=(7, 5), dim=6, batch_size=20).build()
    assert ctgan._epochs == 3
    assert (ctgan._generator_dim, ctgan._discriminator_dim) == ((7, 5), (7, 5))
    assert (ctgan._generator_lr, ctgan._discriminator_lr) == (0.01, 0.01)
    assert (ctgan._embedding_dim, ctgan._batch_size) == (6, 20)
