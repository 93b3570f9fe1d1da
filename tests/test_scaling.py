"""Tables are scaled by reference records, so that no private record changes another."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.data import Column, Data, DataSpec
from privbench.membership import clean_setting, split
from privbench.scaling import MAX_SCALED, scaled_by_reference

COLUMNS = (
    Column("n", "numeric", (0, 1)),
    Column("c", "categorical", (1, 3), ("u", "v")),
    Column("m", "numeric", (3, 4)),
)
SPEC = DataSpec("tabular", (4,), 2, COLUMNS, has_gaps=True)
NAN = np.nan


def table(rows, spec=SPEC):
    x = np.array(rows, np.float32)
    return Data(x, np.arange(len(x)) % 2, spec)


def random_table(n=60, spec=SPEC):
    rng = np.random.default_rng(0)
    x = rng.normal([5, 0, 0, -300], [2, 1, 1, 40], (n, 4))
    x[:, 1:3] = np.eye(2)[rng.integers(0, 2, n)]
    x[rng.random(n) < 0.2, 0] = NAN
    return table(x, spec)


def slowly_scaled(part, reference):
    """The obvious reference: value by value."""
    x = part.x.astype(float)
    for feature in (0, 3):
        known = [float(v) for v in reference.x[:, feature] if v == v]
        mean = sum(known) / len(known)
        deviation = (sum((v - mean) ** 2 for v in known) / len(known)) ** 0.5
        for row in x:
            value = np.median(known) if row[feature] != row[feature] else row[feature]
            row[feature] = (value - mean) / deviation
    return x


def test_by_hand():
    reference = table([[1, 1, 0, 7], [3, 0, 1, 7], [NAN, 1, 0, 7]])
    pool = table([[5, 0, 1, 8], [NAN, 1, 0, NAN], [1e6, 1, 0, -1e6]])
    scaled, known = scaled_by_reference([pool, reference], reference)
    assert scaled.x.tolist() == [[3, 0, 1, 0], [0, 1, 0, 0], [MAX_SCALED, 1, 0, 0]]
    assert known.x.tolist() == [[-1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]]
    assert scaled.spec == known.spec == replace(SPEC, has_gaps=False)
    assert np.isnan(pool.x).sum() == 2  # what was loaded is not changed


def test_a_setting_is_scaled_by_all_its_reference_records():
    data = random_table()
    setting = clean_setting(data, n_models=2, n_pool=36, names="here", n_public=3)
    parts = split(data, 36, "here")
    for scaled, part in zip((setting.pool, setting.reference, setting.test), parts, strict=True):
        np.testing.assert_allclose(scaled.x, slowly_scaled(part, parts[1]), rtol=1e-5, atol=1e-6)
        assert (scaled.y == part.y).all()


def test_no_private_record_changes_another():
    """Neighbouring pools stay neighbours, which is what a guarantee is about."""
    data = random_table()
    setting = clean_setting(data, 2, 36, "here")
    for value in (NAN, -40.0, 1e30):
        x = data.x.copy()
        changed = int(np.flatnonzero((x == split(data, 36, "here")[0].x[5]).all(axis=1))[0])
        x[changed, [0, 3]] = value
        other = clean_setting(replace(data, x=x), 2, 36, "here")
        differs = (setting.pool.x != other.pool.x).any(axis=1)
        assert np.flatnonzero(differs).tolist() == [5]
        assert (setting.test.x == other.test.x).all()
        assert np.isfinite(other.pool.x).all()


def test_units_do_not_matter():
    data = random_table()
    other = data.x.copy()
    other[:, 0] = other[:, 0] * 4 - 16
    pools = [clean_setting(d, 2, 36, "here").pool.x for d in (data, replace(data, x=other))]
    np.testing.assert_allclose(*pools, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "spec",
    [
        DataSpec("tabular", (4,), 2, scaled_by="all"),
        DataSpec("binary", (4,), 2),
        DataSpec("image", (1, 2, 2), 2),
    ],
)
def test_what_stays_as_it_is(spec):
    data = replace(random_table(), spec=spec)
    parts = split(data, 36, "here")
    for scaled, part in zip(scaled_by_reference(parts, parts[1]), parts, strict=True):
        assert scaled is part


def test_a_column_that_no_reference_record_has():
    reference = table([[NAN, 1, 0, 1], [NAN, 1, 0, 3]])
    (scaled,) = scaled_by_reference([table([[4, 1, 0, 2], [NAN, 1, 0, NAN]])], reference)
    assert scaled.x.tolist() == [[0, 1, 0, 0], [0, 1, 0, 0]]
