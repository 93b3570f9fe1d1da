"""Groups of records that are members together: against slow references, and as fair coins."""

import itertools

import numpy as np
import pytest

from privbench.data import Data, DataSpec
from privbench.errors import BadInput
from privbench.grouped import can_halve, draw_groups, halved, split_groups
from privbench.membership import canary_setting, clean_setting, split_indices
from privbench.metrics.groups import Groups
from privbench.seeds import generator
from privbench.units import Units

N_ROWS = 4000
SPREAD = 5 * 0.5 / np.sqrt(N_ROWS)
"""Five standard errors of a share of so many fair coins."""


def people(n=120, n_groups=40, seed=0):
    """Return records of people who have one to several each, in no order."""
    groups = np.random.default_rng(seed).integers(0, n_groups, n)
    spec = DataSpec(kind="tabular", shape=(1,), n_classes=3, scaled_by="all")
    return Data(np.arange(n, dtype=np.float32)[:, None], np.arange(n) % 3, spec, groups)


def copies(n=40, times=3):
    data = people(n)
    again = np.tile(np.arange(n), times)
    return Data(data.x[again], data.y[again], data.spec, again)


def halves(sizes):
    """Return whether a subset has half of the records, by trying all."""
    subsets = itertools.product((0, 1), repeat=len(sizes))
    return any(2 * np.dot(subset, sizes) == sum(sizes) for subset in subsets)


def test_halves_against_all_subsets():
    rng = np.random.default_rng(0)
    examples = [rng.integers(1, 9, rng.integers(1, 9)) for _ in range(60)]
    found = [can_halve(sizes) for sizes in examples]
    assert found == [halves(sizes) for sizes in examples]
    assert 10 < sum(found) < 50


@pytest.mark.parametrize("sizes", [[1, 1, 2, 2, 3, 5], [3, 3, 3, 3], [1] * 5 + [5], [7, 4, 2, 1]])
def test_each_group_is_a_fair_coin_whatever_its_size(sizes):
    rng, sizes = np.random.default_rng(1), np.array(sizes)
    drawn = np.stack([halved(rng, sizes) for _ in range(N_ROWS)])
    assert (drawn @ sizes == sizes.sum() // 2).all()
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < SPREAD


def test_of_two_groups_of_one_size_it_is_a_fair_coin_which_is_a_member():
    """Given the membership of all others: also where models must be trained on other than a half."""
    rng, sizes = np.random.default_rng(2), np.array([2, 2, 1, 1, 3, 4])
    drawn = np.stack([draw_groups(rng, sizes, 5) for _ in range(N_ROWS)])
    assert (drawn @ sizes == 5).all()
    for first, second in ((0, 1), (2, 3)):
        others = np.delete(drawn, [first, second], axis=1)
        tossed = drawn[:, first] != drawn[:, second]
        for rest in np.unique(others[tossed], axis=0):
            heads = drawn[tossed & (others == rest).all(axis=1), first]
            assert abs(heads.mean() - 0.5) < 5 * 0.5 / np.sqrt(len(heads))


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(BadInput, match=r"no 4 of 9 records .* whole groups \(the largest of 3"):
        draw_groups(np.random.default_rng(0), np.array([3, 3, 3]), 4)


@pytest.mark.parametrize("data", [people(), copies(), people(180, 20)])
def test_no_group_is_in_two_parts(data):
    parts = split_indices(data, 70, "names")
    assert sorted(np.concatenate(parts)) == list(range(len(data)))
    seen = [set(data.groups[part].tolist()) for part in parts]
    assert not any(a & b for a, b in itertools.combinations(seen, 2))
    for part in parts:  # a group's records follow each other
        changes = np.flatnonzero(np.diff(data.groups[part])) + 1
        assert len(changes) + 1 == len(set(data.groups[part].tolist()))
    assert 60 <= len(parts[0]) <= 70
    assert can_halve(np.unique(data.groups[parts[0]], return_counts=True)[1])
    assert not np.array_equal(parts[0], split_indices(data, 70, "other")[0])


def test_few_large_groups_are_refused():
    with pytest.raises(BadInput, match=r"no pool of 70 records .* 12 groups, of 33.3 records each"):
        split_indices(people(400, 12), 70, "names")


def test_a_group_larger_than_half_of_the_pool_is_not_attacked():
    groups = Groups.of(np.repeat(np.arange(31), [40] + [1] * 30))
    pool, _, _ = split_groups(groups, 30, 20, np.random.default_rng(0))
    assert len(pool) == 30
    assert 0 not in groups.codes[pool]


def test_records_without_groups_are_split_as_ever():
    data = people()
    alone = Data(data.x, data.y, data.spec)
    order = generator("split", "names").permutation(120)
    for part, expected in zip(
        split_indices(alone, 70, "names"), (order[:70], order[70:95], order[95:]), strict=True
    ):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("data", [people(), copies()])
def test_models_are_trained_on_whole_groups_and_on_half_of_the_pool(data):
    setting = clean_setting(data, 50, 70, "names", n_public=11)
    assert (setting.member.sum(axis=1) == len(setting.pool) // 2).all()
    assert setting.groups.mixed(setting.member) == []
    assert clean_setting(data, 3, 70, "names").member.tolist() == setting.member[:3].tolist()
    assert setting.pool.groups is None  # no component is told
    public = {data.groups[int(x)] for x in setting.public.x[:, 0]}
    rest = {data.groups[int(x)] for x in setting.reference.x[len(setting.public) :, 0]}
    assert 8 <= len(setting.public) <= 11
    assert not public & rest


def test_canaries_are_groups_of_one_and_twins_keep_whole_groups_in():
    clean = clean_setting(people(), 400, 70, "names")
    setting = canary_setting(clean, 0.2, "canaries", ("mislabel", "twin"))
    assert setting.groups.mixed(setting.member) == []
    assert (setting.member.sum(axis=1) == len(setting.pool) // 2).all()
    units = Units.of(setting, "canaries")
    assert (units.sizes == 1).all()
    assert len(units.sizes) == setting.canary.sum()
    assert np.abs(units.member.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(400)
    assert setting.always.sum() > (setting.kind == "twin").sum()
    assert setting.member[:, setting.always].all()
    assert not (setting.always & setting.canary).any()


def test_copies_that_are_members_together_are_no_reason_to_warn():
    setting = clean_setting(copies(), 2, 70, "names")
    assert setting.repeated == {"pool": 0, "reference": 0, "test": 0}
    data = copies()
    other = Data(data.x, data.y, data.spec, np.arange(len(data)) // 2)
    found = clean_setting(other, 2, 70, "names").repeated
    assert all(found.values())


def test_units_against_a_loop():
    setting = canary_setting(clean_setting(people(), 5, 70, "names"), 0.1, "canaries")
    scores = np.random.default_rng(0).normal(size=(5, len(setting.pool)))
    for add, total in ((True, np.sum), (False, np.mean)):
        units = Units.of(setting, "records")
        found = units.scores(scores, add=add)
        codes = setting.groups.codes
        expected = [
            total(scores[:, codes == code], axis=1)
            for code in range(len(setting.groups))
            if not setting.canary[codes == code].any()
        ]
        np.testing.assert_allclose(found, np.stack(expected, axis=1))
    assert units.labels is None  # people have records of several classes
    two = units.of_size(2)
    assert (two.sizes == 2).all()
    np.testing.assert_array_equal(two.scores(scores, add=False), found[:, units.sizes == 2])
    np.testing.assert_array_equal(two.member, units.member[:, units.sizes == 2])
    sizes, counts = np.unique(units.sizes, return_counts=True)
    assert counts[sizes == units.audited_size] == counts.max()


def test_copies_in_a_group_are_no_further_evidence():
    """The log ratio of a person with a record twice is that of the person with it once."""
    data = people(60, 20)
    again = np.concatenate([np.arange(60), np.arange(0, 60, 2)])
    groups = Groups.of(data.groups[again], equal=data.take(again).first_copies())
    scores = np.random.default_rng(0).normal(size=(4, 60))
    once = Groups.of(data.groups)
    for add in (True, False):
        np.testing.assert_allclose(
            groups.scores(scores[:, again], add=add), once.scores(scores, add=add)
        )


def test_without_groups_units_are_records():
    data = people()
    setting = clean_setting(Data(data.x, data.y, data.spec), 3, 70, "names")
    units = Units.of(setting, "records")
    scores = np.random.default_rng(0).normal(size=(3, 70)).astype(np.float32)
    np.testing.assert_array_equal(units.scores(scores, add=True), scores)
    np.testing.assert_array_equal(units.labels, setting.pool.y)
    assert units.audited_size == 1
