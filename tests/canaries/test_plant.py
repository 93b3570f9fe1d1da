"""What each kind of canaries is."""

import numpy as np
import pytest

from privbench.canaries import CANARY_KINDS
from privbench.canaries.plant import NEIGHBOURS, kind_counts, outliers, plant_canaries
from privbench.seeds import generator

DATA = ["image", "binary", "tabular"]
MIXED = ["mislabel", "twin", "blank", "out-of-distribution", "permuted", "outlier"]
ONE_HOT = [(1, 4), (5, 7)]


def planted(pool, kind, share=0.25):
    """The altered pool, and which of its records are canaries."""
    made = plant_canaries(pool, share, "names", [kind])
    chosen = np.flatnonzero(made.kind == kind)
    assert len(chosen) == round(share * len(pool))
    return made, chosen


def test_wrong_labels_are_uniform_over_the_other_classes(pool):
    clean = pool("binary", n=4000)
    made, chosen = planted(clean, "mislabel")
    shift = (made.pool.y - clean.y)[chosen] % 4
    assert np.bincount(shift, minlength=4).tolist() == pytest.approx([0, 333, 333, 333], abs=75)
    assert (made.pool.x == clean.x).all()
    assert not made.always.any()


def test_wrong_labels_alone_are_drawn_as_they_always_were(pool):
    """Rows of benchmarks with ``canaries = SHARE`` keep their numbers."""
    clean = pool("binary")
    rng = generator("canaries", "names")
    chosen = rng.choice(400, size=100, replace=False)
    y = clean.y.copy()
    y[chosen] = (y[chosen] + rng.integers(1, 4, 100)) % 4
    made, _ = planted(clean, "mislabel")
    assert (made.pool.y == y).all()
    assert set(np.flatnonzero(made.kind != "")) == set(chosen)


@pytest.mark.parametrize("kind", DATA)
def test_a_twin_is_a_wrongly_labelled_copy_of_a_record_that_is_always_in(pool, kind):
    clean = pool(kind)
    made, chosen = planted(clean, "twin")
    assert made.always.sum() == len(chosen)
    assert not (made.always & (made.kind != "")).any()
    originals = np.flatnonzero(made.always)
    assert (made.pool.x[originals] == clean.x[originals]).all()
    assert (made.pool.y[originals] == clean.y[originals]).all()
    copies = [[i for i in originals if (clean.x[i] == made.pool.x[twin]).all()] for twin in chosen]
    if kind != "binary":  # in which records may be equal
        assert sorted(i for (i,) in copies) == originals.tolist()
    for twin, candidates in zip(chosen, copies, strict=True):
        assert any(clean.y[i] != made.pool.y[twin] for i in candidates)


@pytest.mark.parametrize("kind", ["image", "tabular"])
def test_blank_records_differ_in_their_level_alone(pool, kind):
    made, chosen = planted(pool(kind, n=200), "blank")
    x = made.pool.x[chosen]
    level = x[:, :, 0, 0] if kind == "image" else x[:, [0]]
    assert len(np.unique(level, axis=0)) == len(chosen)
    if kind == "image":
        assert (x == level[:, :, None, None]).all()
        assert ((x >= 0) & (x < 1)).all()
    else:
        assert (x[:, 4] == x[:, 0]).all()
        rest = np.delete(x, [0, 4], axis=1)
        assert (rest == rest[0]).all()
        assert rest[0, :3].tolist() == [0, 1, 0]  # green is the most frequent colour
        assert rest[0, 3:].sum() == 1


def test_blank_binary_records_have_one_feature_each(pool):
    made, chosen = planted(pool("binary"), "blank", share=0.1)
    x = made.pool.x[chosen]
    assert (x.sum(axis=1) == 1).all()
    assert len(np.unique(x, axis=0)) == len(chosen)
    repeated, chosen = planted(pool("binary"), "blank", share=0.3)  # 120 with 60 features
    assert np.unique(repeated.pool.x[chosen], axis=0, return_counts=True)[1].tolist() == [2] * 60


@pytest.mark.parametrize("kind", ["blank", "out-of-distribution"])
def test_labels_of_new_records_are_uniform(pool, kind):
    clean = pool("tabular", n=4000)
    clean.y[:] = 0
    made, chosen = planted(clean, kind)
    assert np.bincount(made.pool.y[chosen]).tolist() == pytest.approx([250] * 4, abs=70)


def test_random_features_are_independent_and_uniform(pool):
    pixels, chosen = planted(pool("image"), "out-of-distribution", share=0.5)
    x = pixels.pool.x[chosen]
    assert ((x >= 0) & (x < 1)).all()
    assert x.var() == pytest.approx(1 / 12, rel=0.05)
    assert abs(np.corrcoef(x[:, 0].ravel(), x[:, 1].ravel())[0, 1]) < 0.08
    bits, chosen = planted(pool("binary"), "out-of-distribution", share=0.5)
    assert set(np.unique(bits.pool.x[chosen])) == {0, 1}
    assert bits.pool.x[chosen].mean() == pytest.approx(0.5, abs=0.02)


def test_random_numbers_lie_in_the_range_of_their_column(pool):
    clean = pool("tabular", n=4000)
    made, chosen = planted(clean, "out-of-distribution")
    for column in (0, 4):
        low, high = clean.x[:, column].min(), clean.x[:, column].max()
        numbers = (made.pool.x[chosen, column] - low) / (high - low)
        assert (numbers >= 0).all()
        assert (numbers <= 1).all()
        assert numbers.mean() == pytest.approx(0.5, abs=0.04)
    assert made.pool.x[chosen, 1:4].mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.06)


def test_permuted_records_have_the_columns_of_other_records(pool):
    clean = pool("tabular", n=4000)
    made, chosen = planted(clean, "permuted")
    assert (made.pool.y == clean.y).all()
    x = made.pool.x[chosen]
    assert np.isin(x[:, 0], clean.x[:, 0]).all()
    assert (x[:, [0, 4]] != clean.x[chosen][:, [0, 4]]).all()
    source = [int(np.flatnonzero(clean.x[:, 0] == age)[0]) for age in x[:, 0]]
    assert (clean.x[source, 4] != x[:, 4]).mean() > 0.99  # another record's
    assert x[:, 1:4].mean(axis=0) == pytest.approx(clean.x[:, 1:4].mean(axis=0), abs=0.06)


@pytest.mark.parametrize("kind", ["blank", "out-of-distribution", "permuted", "twin", "mislabel"])
def test_categorical_columns_stay_one_hot(pool, kind):
    made, _ = planted(pool("tabular"), kind)
    for first, end in ONE_HOT:
        block = made.pool.x[:, first:end]
        assert (np.sort(block, axis=1)[:, -1] == 1).all()
        assert (block.sum(axis=1) == 1).all()


def test_outliers_are_the_records_farthest_from_their_neighbours(pool):
    clean = pool("tabular", n=150)
    distance = np.linalg.norm(clean.x[:, None] - clean.x.astype(float), axis=2)
    mean = np.sort(distance, axis=1)[:, 1 : NEIGHBOURS + 1].mean(axis=1)
    assert outliers(clean.x, 20).tolist() == np.argsort(-mean)[:20].tolist()
    made, chosen = planted(clean, "outlier", share=0.2)
    assert set(chosen) == set(np.argsort(-mean)[:30])
    assert (made.pool.x == clean.x).all()
    assert (made.pool.y == clean.y).all()


def test_outliers_do_not_depend_on_the_size_of_a_block(pool, monkeypatch):
    x = pool("image", n=90).x
    at_once = outliers(x, 90)
    monkeypatch.setattr("privbench.canaries.plant.BLOCK", 7 * 90)
    assert (outliers(x, 90) == at_once).all()


def test_inverted_records(pool):
    for kind in ("image", "binary"):
        clean = pool(kind)
        made, chosen = planted(clean, "inverted")
        assert (made.pool.x[chosen] == 1 - clean.x[chosen]).all()
        assert (made.pool.y == clean.y).all()


@pytest.mark.parametrize("kind", DATA)
def test_kinds_share_a_pool(pool, kind):
    clean = pool(kind)
    made = plant_canaries(clean, 0.2, "names", MIXED)
    counts = {name: int((made.kind == name).sum()) for name in MIXED}
    assert counts == kind_counts(80, MIXED)
    assert set(counts.values()) == {13, 14}
    ordinary = made.kind == ""
    assert (made.pool.x[ordinary] == clean.x[ordinary]).all()
    assert (made.pool.y[ordinary] == clean.y[ordinary]).all()
    assert made.pool.spec == clean.spec
    assert (made.pool.x.dtype, made.pool.y.dtype) == (clean.x.dtype, clean.y.dtype)
    assert made.always.sum() == counts["twin"]


def test_the_names_determine_the_draws(pool):
    clean = pool("image")
    first, again, other = (plant_canaries(clean, 0.2, n, CANARY_KINDS) for n in ("a", "a", "b"))
    assert (first.pool.x == again.pool.x).all()
    assert (first.kind == again.kind).all()
    assert (first.kind != other.kind).any()
