"""The default methods of a generator."""

from typing import ClassVar

import numpy as np
import pytest

from privbench.generators.base import FittedGenerator, Generator
from privbench.generators.vae import Vae

from .problems import MIXED, SMALL, SPECS, fit_all, records, rng_of


class Constant(FittedGenerator):
    """Decodes every code to one record."""

    def __init__(self, data, draw):
        self.record, self.draw = data.x.mean(axis=0), draw

    def encode(self, data):
        return data.x

    def decode(self, codes):
        return np.tile(self.record, (len(codes), 1))

    def sample(self, n, rng):
        raise NotImplementedError


class Averages(Generator):
    name: ClassVar[str] = "averages"

    def fit(self, data, rng):
        return Constant(data, rng.random())


def test_a_population_is_fitted_one_by_one_by_default():
    sets, seen = [records(MIXED, n) for n in (5, 9)], []
    fitted = fit_all(Averages(), sets, [3, 4], progress=lambda *now: seen.append(now))
    assert [one.draw for one in fitted] == [rng_of(3).random(), rng_of(4).random()]
    for one, data in zip(fitted, sets, strict=True):
        np.testing.assert_array_equal(one.record, data.x.mean(axis=0))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("generator", [Averages(), SMALL], ids=["default", "vae"])
@pytest.mark.parametrize("sizes", [(5, 5), (5, 9)], ids=["equal", "unequal"])
def test_every_training_set_needs_its_rng(generator, sizes):
    with pytest.raises(ValueError, match=r"zip\(\)|seeds"):
        fit_all(generator, [records(MIXED, n) for n in sizes], [3])


def test_a_generator_without_states():
    assert Averages().fit(records(MIXED), rng_of()).state() is None
    with pytest.raises(TypeError, match="'averages' has a state but no method to restore it"):
        Averages().restore({}, MIXED)


@pytest.mark.parametrize("kind", SPECS)
def test_every_kind_of_data_is_learned(kind):
    assert Vae().skip(SPECS[kind]) == Averages().skip(SPECS[kind]) == ""
