"""Which records models are trained on, and which are held out."""

import numpy as np
import pytest

from privbench.auditing.training.design import Design, check_member
from privbench.errors import BadInput


@pytest.fixture
def codes():
    return np.random.default_rng(0).integers(0, 3, 200)


def test_halves_of_the_pool_and_a_tenth_held_out():
    design = Design.draw(200, None, holds_out=True, seed=0)
    assert (len(design.reference), len(design.pool), design.n_members) == (20, 180, 90)
    assert sorted([*design.reference, *design.pool]) == list(range(200))
    assert not (np.diff(design.reference) > 0).all()
    assert Design.draw(200, None, holds_out=False, seed=0).n_members == 100


def test_an_existing_model_keeps_all_of_its_members():
    member = np.arange(200) % 4 > 0
    design = Design.draw(200, member, holds_out=True, seed=0)
    assert (len(design.reference), design.n_members) == (5, 150)
    assert not member[design.reference].any()
    assert (design.target == member[design.pool]).all()


def test_rows_have_the_size_of_the_target_and_are_independent(codes):
    member = np.arange(200) < 150
    group = Design.draw(200, member, holds_out=True, seed=0).group("records", codes, 300, 0)
    assert (group.member.sum(axis=1) == 150).all()
    rate = group.member.mean(axis=0)
    assert np.abs(rate - 150 / 195).max() < 5 * np.sqrt(0.25 / 300)
    assert len(set(group.seeds)) == 300
    assert max(group.seeds) < 2**31


def test_canaries_have_wrong_labels_and_are_fair_coins(codes):
    design = Design.draw(200, None, holds_out=True, seed=0)
    group = design.canaries(0.1, codes, 400, 0)
    assert group.canary.sum() == 18
    changed = group.codes != codes
    assert (changed[design.pool] == group.canary).all()
    assert not changed[design.reference].any()
    assert set(group.codes) <= {0, 1, 2}
    assert (group.member.sum(axis=1) == 90).all()
    assert np.abs(group.member[:, group.canary].mean(axis=0) - 0.5).max() < 5 * np.sqrt(0.25 / 400)


@pytest.mark.parametrize(("n_members", "share"), [(10, 0.1), (190, 0.1), (100, 0.001)])
def test_canaries_that_do_not_fit(codes, n_members, share):
    design = Design.draw(200, np.arange(200) < n_members, holds_out=False, seed=0)
    with pytest.raises(BadInput, match=f"canaries={share} makes"):
        design.canaries(share, codes, 4, 0)


def test_other_seeds_draw_other_halves(codes):
    one, two = (
        Design.draw(200, None, holds_out=False, seed=seed).group("records", codes, 2, seed)
        for seed in (0, 1)
    )
    assert not (one.member == two.member).all()
    assert not set(one.seeds) & set(two.seeds)


def test_members_as_a_mask_of_numbers():
    assert check_member([0, 1, 1.0], 3).tolist() == [False, True, True]
    for wrong in ([0, 1, 2], ["a", "b", "c"], [1, 1, 1], [0, 0, 0], [0, 1]):
        with pytest.raises(BadInput, match="member"):
            check_member(wrong, 3)
