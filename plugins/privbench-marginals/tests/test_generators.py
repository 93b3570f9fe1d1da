"""Fits of MST and AIM, each a few seconds of compilation."""

import numpy as np
import pytest
from privbench_marginals import Aim, Mst
from privbench_marginals.aim import workload
from privbench_marginals.measuring import Measurement
from privbench_marginals.mst import spanning_tree
from privbench_marginals.network import Conditional, Network
from privbench_marginals.table import Table
from small_table import SPEC

from privbench import DataSpec

AIM = pytest.param(Aim(epsilon=50.0, rounds=6), marks=pytest.mark.slow)  # compiles in each round


@pytest.fixture(
    scope="module", params=[Mst(epsilon=50.0), AIM], ids=lambda generator: generator.name
)
def fitted(request, data):
    return request.param, request.param.fit(data, np.random.default_rng(0))


def rates(data):
    """Return the share of the label 1 by category, and the mean number by label."""
    category = data.x[:, :4].argmax(1)
    of_labels = [data.y[category == k].mean() for k in range(4)]
    return np.array(of_labels), [data.x[data.y == k, 4].mean() for k in (0, 1)]


def test_samples_have_the_pairwise_dependences_of_the_records(fitted, data):
    _, generator = fitted
    sample = generator.sample(4000, np.random.default_rng(1))
    assert sample.x.shape == (4000, 5)
    (by_category, by_label), (expected, means) = rates(sample), rates(data)
    np.testing.assert_allclose(by_category, expected, atol=0.12)
    np.testing.assert_allclose(by_label, means, atol=0.15)


def test_restored_from_its_state_it_draws_the_same_records(fitted):
    generator, one = fitted
    again = generator.restore(one.state(), SPEC)
    a, b = (each.sample(50, np.random.default_rng(3)) for each in (one, again))
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.y, b.y)


def test_equal_seeds_read_equal_measurements(data):
    table = Mst().coding(SPEC).to_table(data)
    first, second, other = (Mst().measure(table, np.random.default_rng(s)) for s in (0, 0, 1))
    assert [m.columns for m in first.measurements] == [m.columns for m in second.measurements]
    for a, b in zip(first.measurements, second.measurements, strict=True):
        np.testing.assert_array_equal(a.counts, b.counts)
    assert first.measurements[0].counts[0] != other.measurements[0].counts[0]


def test_a_spanning_tree_has_the_most_dependent_pairs():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 2000)
    copies = np.stack([a, a ^ (rng.random(2000) < 0.05), rng.integers(0, 2, 2000)], axis=1)
    table = Table(np.hstack([copies, copies[:, :1] ^ (rng.random((2000, 1)) < 0.2)]), (2,) * 4)
    one_way = [Measurement((i,), table.count((i,)), 1.0) for i in range(4)]
    tree = spanning_tree(table, one_way, 1e3, rng)
    assert len(tree) == 3
    assert (0, 1) in tree
    assert {column for pair in tree for column in pair} == {0, 1, 2, 3}


def test_the_workload_of_aim_weighs_marginals_by_what_they_share():
    weights = workload(4, 2)
    assert weights[(0,)] == 3.0  # the pairs with column 0
    assert weights[(0, 1)] == sum(len({0, 1} & {a, b}) for a in range(4) for b in range(a))
    assert len(weights) == 4 + 6


def test_a_network_draws_columns_by_their_tables():
    network = Network(
        (
            Conditional(1, (), np.array([0.25, 0.75])),
            Conditional(0, (1,), np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])),
        )
    )
    records = network.sample(8000, np.random.default_rng(0))
    assert records[:, 1].mean() == pytest.approx(0.75, abs=0.02)
    assert set(records[records[:, 1] == 0, 0]) == {0}
    shares = np.bincount(records[records[:, 1] == 1, 0], minlength=3) / (records[:, 1] == 1).sum()
    np.testing.assert_allclose(shares, [0, 0.5, 0.5], atol=0.02)


def test_what_they_cannot_model_is_skipped():
    assert "images" in Mst().skip(DataSpec("image", (1, 2, 2), 2))
    assert "at most 64 columns, and these records have 101" in Aim().skip(
        DataSpec("binary", (100,), 2)
    )
    assert Mst().skip(SPEC) == ""
