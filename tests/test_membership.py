import numpy as np
import pytest

from privbench.data import Data, DataSpec
from privbench.membership import (
    canary_setting,
    clean_setting,
    draw_membership,
    pool_size,
    reference_size,
    split,
)


def make_data(n: int = 100, n_classes: int = 3) -> Data:
    spec = DataSpec(kind="tabular", shape=(1,), n_classes=n_classes)
    x = np.arange(n, dtype=np.float32)[:, None]
    return Data(x, np.arange(n, dtype=np.int64) % n_classes, spec)


def test_split_is_disjoint_and_uses_every_record():
    parts = split(make_data(101), 60, "names")
    assert [len(part) for part in parts] == [60, 20, 21]
    seen = np.concatenate([part.x[:, 0] for part in parts])
    assert sorted(seen) == list(range(101))


def test_split_is_random_and_reproducible():
    first, again, other = (split(make_data(), 60, name)[0].x[:, 0] for name in ("a", "a", "b"))
    assert (first == again).all()
    assert not (first == other).all()
    assert not (first == np.arange(60)).all()


def test_copies_are_counted_by_the_part_that_has_them():
    data = make_data(100)
    assert clean_setting(data, 2, 60, "n").repeated == {"pool": 0, "reference": 0, "test": 0}
    data = data.take(np.arange(200) % 40)
    setting = clean_setting(data, 2, 120, "n")
    pool, *others = (
        [(tuple(x), y) for x, y in zip(part.x.tolist(), part.y.tolist(), strict=True)]
        for part in (setting.pool, setting.reference, setting.test)
    )
    assert setting.repeated == {
        "pool": sum(pool.count(record) > 1 for record in pool),
        "reference": sum(record in others[0] for record in pool),
        "test": sum(record in others[1] for record in pool),
    }
    labels = Data(data.x, np.arange(200) % 3, data.spec)  # another label is another record
    assert clean_setting(labels, 2, 120, "n").repeated != setting.repeated


@pytest.mark.parametrize(
    ("n", "pool", "expected"), [(1000, None, 600), (1000, 300, 300), (1797, None, 1078)]
)
def test_pool_size(n, pool, expected):
    assert pool_size(n, pool) == expected


@pytest.mark.parametrize("n_pool", [100, 101])
def test_every_model_gets_exactly_half_of_the_pool(n_pool):
    canary = np.zeros(n_pool, dtype=bool)
    canary[:7] = True
    member = draw_membership(50, canary, "names")
    assert (member.sum(axis=1) == n_pool // 2).all()


def test_rows_do_not_depend_on_the_number_of_models():
    canary = np.zeros(40, dtype=bool)
    assert (draw_membership(3, canary, "names") == draw_membership(9, canary, "names")[:3]).all()


def test_canaries_are_fair_coins_and_ordinary_records_are_uniform():
    canary = np.zeros(60, dtype=bool)
    canary[:20] = True
    member = draw_membership(4000, canary, "names")
    rate = member.mean(axis=0)
    assert np.abs(rate - 0.5).max() < 5 * 0.5 / np.sqrt(4000)
    # Independent coins: their number has the binomial variance, not the one of a fixed half.
    assert member[:, canary].sum(axis=1).var() == pytest.approx(20 / 4, rel=0.1)


def test_rows_are_independent():
    member = draw_membership(2000, np.zeros(50, dtype=bool), "names")
    centred = member - 0.5
    correlation = (centred[0::2] * centred[1::2]).mean() * 4
    assert abs(correlation) < 5 / np.sqrt(1000 * 50)


def test_records_that_are_always_in_leave_the_coins_fair_and_rows_full():
    canary, always = np.arange(60) < 20, np.arange(60) >= 52
    member = draw_membership(4000, canary, "names", always)
    assert (member.sum(axis=1) == 30).all()
    assert member[:, always].all()
    coins = member[:, canary]
    assert np.abs(coins.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(4000)
    assert coins.sum(axis=1).var() == pytest.approx(20 / 4, rel=0.1)
    between = np.corrcoef(coins.T)[~np.eye(20, dtype=bool)]
    assert np.abs(between).max() < 5 / np.sqrt(4000)
    ordinary = member[:, ~canary & ~always].mean(axis=0)
    assert ordinary == pytest.approx((30 - 8 - 10) / 32, abs=5 * 0.5 / np.sqrt(4000))


def test_rows_with_records_that_are_always_in_are_independent():
    always = np.arange(50) < 10
    member = draw_membership(2000, np.zeros(50, dtype=bool), "names", always)[:, ~always]
    centred = member - member.mean()
    correlation = (centred[0::2] * centred[1::2]).mean() / centred.var()
    assert abs(correlation) < 5 / np.sqrt(1000 * 40)


def test_where_no_record_is_always_in_nothing_is_drawn_differently():
    canary = np.arange(60) < 20
    none = np.zeros(60, dtype=bool)
    member = draw_membership(5, canary, "names")
    assert (draw_membership(5, canary, "names", none) == member).all()


def test_the_canary_setting_shares_records_but_not_membership():
    clean = clean_setting(make_data(), 8, 60, "clean")
    second = canary_setting(clean, 0.1, "canaries")
    assert np.shares_memory(second.test.x, clean.test.x)
    assert second.canary.sum() == 6
    assert (second.kind[second.canary] == "mislabel").all()
    assert not clean.canary.any()
    assert not (second.member == clean.member).all()


def test_public_records_are_the_first_reference_records():
    clean = clean_setting(make_data(), 3, 60, "clean", n_public=7)
    for setting in (clean, canary_setting(clean, 0.1, "canaries")):
        assert (setting.public.x == clean.reference.x[:7]).all()
        assert (setting.public.y == clean.reference.y[:7]).all()
        assert not setting.public.x.flags.writeable
    everything = clean_setting(make_data(), 3, 60, "clean")
    assert everything.public is everything.reference
    for part in ("pool", "reference", "test"):
        assert (getattr(everything, part).x == getattr(clean, part).x).all()
    assert (everything.member == clean.member).all()


@pytest.mark.parametrize(("n", "pool"), [(100, 60), (101, 60), (12, 10)])
def test_the_size_of_the_reference_is_that_of_the_split(n, pool):
    assert reference_size(n, pool) == len(split(make_data(n), pool, "names")[1])


def test_what_is_attacked():
    kinds = ["twin", "permuted"]
    setting = canary_setting(clean_setting(make_data(), 8, 60, "clean"), 0.2, "canaries", kinds)
    each = {kind: setting.attacked("canaries", kind) for kind in kinds}
    assert [mask.sum() for mask in each.values()] == [6, 6]
    assert (setting.attacked("canaries") == each["twin"] | each["permuted"]).all()
    assert setting.always.sum() == 6
    assert setting.member[:, setting.always].all()
    records = setting.attacked("records")
    assert records.sum() == 60 - 12 - 6
    assert not (records & (setting.canary | setting.always)).any()


def test_train_sets_are_the_members():
    setting = clean_setting(make_data(), 3, 60, "clean")
    for model, index in enumerate(setting.train_indices()):
        assert set(index) == set(np.flatnonzero(setting.member[model]))
        assert (setting.train_set(model).x == setting.pool.x[index]).all()
