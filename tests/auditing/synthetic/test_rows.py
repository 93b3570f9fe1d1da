"""Which rows are attacked: those in both are dropped, and the order of rows plays no part."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from privbench.auditing.synthetic.rows import attacked_rows, hashes
from privbench.auditing.synthetic.tables import alike
from privbench.errors import DataError

from .helpers import people


def rows_of(train, holdout, synthetic, reference=None, seed=0):
    raw = {"train": train, "holdout": holdout, "synthetic": synthetic}
    if reference is not None:
        raw["reference"] = reference
    hashed = {role: hashes(table) for role, table in alike(raw).items()}
    return attacked_rows(
        *[hashed.get(r) for r in ("train", "holdout", "synthetic", "reference")], seed
    )


def test_equal_rows_have_equal_hashes_whatever_their_type():
    table = pd.DataFrame({"a": [1.0, 1.0, np.nan], "b": ["x", "x", None], "c": [0.0, -0.0, 1.0]})
    found = hashes(alike({"train": table})["train"])
    assert found[0] == found[1] != found[2]
    assert hashes(alike({"train": table.assign(a=[1, 1, None])})["train"])[2] == found[2]


def test_rows_in_both_are_dropped_and_duplicates_are_counted():
    train, holdout = people(600, 0), people(800, 1)
    train = pd.concat([train, holdout.iloc[:5], train.iloc[:3]], ignore_index=True)
    rows = rows_of(train, holdout, train.iloc[:10])
    counts = rows.counts
    common = set(range(5)) - set(rows.reference)
    assert counts.in_both == 5 + len(common)
    assert counts.members == len(rows.train) == 603
    assert set(rows.train) == set(range(600)) | {605, 606, 607}
    assert (counts.repeated_in_train, counts.repeated_in_holdout) == (3, 0)
    assert (counts.synthetic_in_train, counts.synthetic_in_holdout) == (10, 0)
    assert set(rows.holdout) | set(rows.reference) == set(range(800)) - common
    assert not set(rows.holdout) & set(rows.reference)
    assert counts.reference == 400
    assert counts.thinned == 0
    assert rows.member.sum() == 603


def test_rows_that_are_in_the_reference_half_are_not_attacked():
    holdout = pd.concat([people(100, 1)] * 2, ignore_index=True)
    rows = rows_of(people(60, 0), holdout, people(60, 2))
    assert not set(rows.holdout % 100) & set(rows.reference % 100)
    assert (
        len(rows.holdout) + len(rows.reference) + rows.counts.in_both + rows.counts.thinned == 200
    )


@pytest.mark.parametrize(("n_train", "n_holdout"), [(400, 400), (200, 400), (150, 900)])
def test_common_rows_lack_on_both_sides_alike(n_train, n_holdout):
    """The values are drawn with unequal probabilities; a row's probability is its score."""
    probability = np.arange(1, 1201) / np.arange(1, 1201).sum()
    scores = {True: [], False: []}
    for seed in range(40):
        draw = np.random.default_rng(seed).choice
        train, holdout = (draw(1200, n, p=probability) for n in (n_train, n_holdout))
        rows = attacked_rows(
            *[codes.astype(np.uint64) for codes in (train, holdout, train)], None, seed
        )
        scores[True] += probability[train[rows.train]].tolist()
        scores[False] += probability[holdout[rows.holdout]].tolist()
    n, m = map(len, scores.values())
    auc = mannwhitneyu(scores[True], scores[False]).statistic / n / m
    assert abs(auc - 0.5) < 4 * np.sqrt((n + m + 1) / 12 / n / m)


def test_rows_of_a_reference_table_are_never_attacked():
    train, holdout, reference = people(60, 0), people(80, 1), people(50, 2)
    reference = pd.concat([reference, train.iloc[:2], holdout.iloc[:7]], ignore_index=True)
    rows = rows_of(train, holdout, train, reference)
    assert (len(rows.train), len(rows.holdout), len(rows.reference)) == (58, 73, 59)
    assert rows.counts.in_both == 9


def test_the_order_of_rows_plays_no_part():
    train, holdout, synthetic = people(60, 0), people(80, 1), people(40, 2)
    rows = rows_of(train, holdout, synthetic)
    order = np.random.default_rng(3).permutation(60)
    again = rows_of(train.iloc[order], holdout[::-1], synthetic[::-1])
    np.testing.assert_array_equal(order[again.train], rows.train)
    np.testing.assert_array_equal(79 - again.holdout, rows.holdout)
    np.testing.assert_array_equal(79 - again.reference, rows.reference)
    np.testing.assert_array_equal(39 - again.synthetic, rows.synthetic)
    np.testing.assert_array_equal(again.blocks(0), rows.blocks(0))


def test_equal_rows_are_in_one_block_unless_they_are_many():
    train = pd.concat([people(400, 0), people(2, 5)] * 2, ignore_index=True)
    rows = rows_of(train, people(800, 1), train)
    blocks = rows.blocks(0)
    for value in range(20):
        assert len(set(blocks[rows.value == value])) == 1
    few = [pd.DataFrame({"a": 4 * i + np.arange(400) % 4}) for i in range(3)]
    found = rows_of(few[0], few[1], few[0], few[2])
    assert len(set(found.blocks(0)[found.value == 0])) > 20


@pytest.mark.parametrize(
    ("train", "holdout", "words"),
    [
        (people(10, 0), people(80, 1), "train: 10 rows are left"),
        (people(80, 0), people(30, 1), r"holdout: 15 rows .*half of the holdout is the reference"),
        (people(80, 0), people(80, 0), "train: 0 rows .*120 rows are in two of the tables"),
    ],
)
def test_too_few_rows_are_refused(train, holdout, words):
    with pytest.raises(DataError, match=words) as error:
        rows_of(train, holdout, people(20, 2))
    assert "A TPR at 1% FPR needs at least 100 non-members" in str(error.value)
