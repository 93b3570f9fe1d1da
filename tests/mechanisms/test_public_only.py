"""Training on public records alone: which ones, and what is stated."""

import numpy as np
import pytest

from privbench.errors import Incompatible
from privbench.mechanisms.public_only import PublicOnly

from .datasets import BINARY, IMAGE, MIXED, context, records

PUBLIC = {spec: records(spec, 40, seed=1) for spec in (IMAGE, BINARY, MIXED)}


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("spec", [IMAGE, BINARY, MIXED])
@pytest.mark.parametrize(("n", "expected"), [(None, 40), (1, 1), (15, 15), (40, 40)])
def test_it_returns_the_first_public_records(spec, n, expected):
    public = PUBLIC[spec]
    returned = PublicOnly(records=n).apply_with_reference(records(spec), public, rng())
    assert (returned.x == public.x[:expected]).all()
    assert (returned.y == public.y[:expected]).all()
    assert returned.x.shape == (expected, *spec.shape)


def test_neither_private_records_nor_their_number_nor_draws_matter():
    private = [records(IMAGE, n, seed) for n, seed in ((500, 0), (7, 2))]
    one, other = (
        PublicOnly().apply_with_reference(data, PUBLIC[IMAGE], rng(seed))
        for seed, data in enumerate(private)
    )
    assert (one.x == other.x).all()


def test_too_few_public_records():
    with pytest.raises(
        Incompatible, match=r"public-only: records: 41 is more .* \(allowed: 1..40\)"
    ):
        PublicOnly(records=41).apply_with_reference(records(IMAGE), PUBLIC[IMAGE], rng())


def test_without_public_records_there_is_nothing_to_train_on():
    with pytest.raises(TypeError, match="use apply_with_reference"):
        PublicOnly().apply(records(IMAGE), rng())


def test_its_guarantee_is_an_epsilon_of_zero_without_a_condition():
    stated = PublicOnly().guarantee(context(IMAGE))
    assert (stated.kind, stated.epsilon, stated.delta, stated.covers) == ("dp", 0, 0, "records")
    assert stated.conditions == ()
    assert stated.of_replacing() == (0, 0)
