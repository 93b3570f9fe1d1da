"""Rows of several seeds in one."""

import numpy as np
import pytest
from scipy.stats import binom

from privbench.metrics.interval import t_quantile
from privbench.report.formats import render
from privbench.report.seeds import bound_over_seeds, combine_seeds, n_clusters, parts_of
from privbench.report.views import attacks, summary

from .conftest import DP


@pytest.fixture
def seeds(row):
    return [
        row(seed=seed, auc=auc, auc_ci=[auc - 0.02, auc + 0.02], test_accuracy=auc + 0.1,
            test_accuracy_ci=[auc + 0.09, auc + 0.11], tpr=auc / 2, warnings=[])
        for seed, auc in ((0, 0.7), (1, 0.71), (2, 0.72))
    ]  # fmt: skip


def test_values_are_means_over_seeds(seeds):
    (combined,) = combine_seeds(seeds)
    assert combined["seed"] == (0, 1, 2)
    assert combined["auc"] == pytest.approx(0.71)
    assert combined["test_accuracy"] == pytest.approx(0.81)
    assert combined["tpr_at_fpr"]["0.01"]["value"] == pytest.approx(0.355)
    assert combined["seconds"] == pytest.approx(3 * 3.4)
    assert combined["n_members"] == 300
    assert (combined["metrics_key"], combined["audit"]) == (None, None)


def test_one_seed_stays_as_it_was(seeds, row):
    rows = [seeds[0], row(defense="dp-sgd", auc=0.5)]
    assert combine_seeds(rows) == rows
    assert parts_of(rows[0]) == {0: rows[0]}
    assert n_clusters(rows[0]) == 16


def test_the_interval_of_seeds_that_agree_is_narrower_than_theirs(seeds):
    (combined,) = combine_seeds([row | {"auc": 0.7, "auc_ci": [0.68, 0.72]} for row in seeds])
    low, high = combined["auc_ci"]
    reach = 0.02 / t_quantile(16) / 3**0.5 * t_quantile(46)
    assert (high - low) / 2 == pytest.approx(reach, rel=0.01)


def test_the_interval_of_seeds_that_differ_is_by_their_variance(seeds):
    values = np.array([0.5, 0.7, 0.9])
    rows = [row | {"auc": float(v)} for row, v in zip(seeds, values, strict=True)]
    rows = [row | {"auc_ci": [row["auc"] - 0.001, row["auc"] + 0.001]} for row in rows]
    low, high = combine_seeds(rows)[0]["auc_ci"]
    error = t_quantile(3) * values.std(ddof=1) / 3**0.5
    ends = np.log(np.array([low, high]) / (1 - np.array([low, high])))
    assert ends.mean() == pytest.approx(np.log(0.7 / 0.3))
    assert np.ptp(ends) / 2 == pytest.approx(error / 0.21)


def test_a_rate_of_one_keeps_its_interval_within_one(seeds):
    rows = [row | {"auc": 1.0, "auc_ci": [0.98, 1.0]} for row in seeds]
    low, high = combine_seeds(rows)[0]["auc_ci"]
    assert 0.98 < low < high == 1.0


def test_trials_are_told_apart_by_all_but_the_seed(seeds, row):
    naive = [r | {"knowledge": "naive", "auc": 0.6} for r in seeds]
    kinds = [r | {"subset": "canaries", "canary_kind": kind} for r in seeds for kind in "xy"]
    other = [r | {"dataset": "adult"} for r in seeds[:1]]
    combined = combine_seeds([*seeds, *naive, *kinds, *other])
    assert [r["seed"] for r in combined] == [(0, 1, 2)] * 4 + [0]


def test_the_order_of_seeds_does_not_matter(seeds):
    names = ("auc", "auc_ci", "test_accuracy_ci", "audited_epsilon")
    (forward,), (backward,) = combine_seeds(seeds), combine_seeds(seeds[::-1])
    for name in names:
        assert forward[name] == pytest.approx(backward[name])


def test_a_seed_that_failed_is_noted_and_left_out(seeds):
    failed = seeds[2] | {"status": "failed", "reason": "broken", "auc": None}
    ok, beside = combine_seeds([*seeds[:2], failed])
    assert ok["auc"] == pytest.approx(0.705)
    assert sorted(parts_of(ok)) == [0, 1]
    assert ok["seed"] == beside["seed"] == (0, 1, 2)
    (table,) = summary([ok, beside])
    assert "none / lira: failed: broken" in table.notes
    assert len(table.lines) == 1


def test_an_unresolved_rate_of_one_seed_is_unresolved(seeds):
    seeds[1]["tpr_at_fpr"] = {
        "0.001": None,
        "0.01": {"value": None, "ci": None, "resolved": False},
    }
    found = combine_seeds(seeds)[0]["tpr_at_fpr"]["0.01"]
    assert found == {"value": None, "ci": None, "resolved": False}


def test_a_verdict_is_refuted_if_that_of_a_seed_is(seeds):
    verdicts = ["consistent", "refuted", "consistent"]
    rows = [row | {"verdict": v, "guarantee": DP} for row, v in zip(seeds, verdicts, strict=True)]
    assert combine_seeds(rows)[0]["verdict"] == "refuted"
    assert combine_seeds(rows[::2])[0]["verdict"] == "consistent"
    assert combine_seeds(seeds)[0]["verdict"] is None


def test_the_guarantee_is_the_weakest_of_all_seeds(seeds):
    rows = [
        row | {"guarantee": DP | {"epsilon": e}} for row, e in zip(seeds, (1, 3, 2), strict=True)
    ]
    assert combine_seeds(rows)[0]["guarantee"]["epsilon"] == 3
    assert combine_seeds([*rows[:2], seeds[2]])[0]["guarantee"] is None


@pytest.mark.parametrize("n", range(1, 13))
def test_a_bound_over_seeds_holds_with_95_percent(n):
    """With k the place of the bound: at least k of n bounds are wrong in at most 5% of cases."""
    k = n - int(bound_over_seeds([float(b) for b in range(n)]))
    assert binom.sf(k - 1, n, 0.05) <= 0.05 + 1e-9
    assert k == 1 or binom.sf(k - 2, n, 0.05) > 0.05


def test_a_bound_that_is_not_there_is_no_bound():
    assert bound_over_seeds([2.0, None, 1.0]) == 1.0
    assert bound_over_seeds([2.0, None, None]) is None


def test_warnings_of_all_seeds_are_shown_once(seeds):
    warning = {"name": "tied-outputs", "text": "many"}
    for row in seeds[1:]:
        row["warnings"] = [warning]
    assert combine_seeds(seeds)[0]["warnings"] == [warning]


def test_the_title_counts_seeds_and_the_view_of_rows_keeps_them(seeds):
    text = render(seeds, "table", "summary")
    assert text.startswith("small: digits, mlp, 16 models, 3 seeds\n")
    assert ".710 [" in text
    assert len(render(seeds, "csv").splitlines()) == 4
    (table,) = attacks(combine_seeds(seeds))
    assert len(table.lines) == 1


def test_combined_rows_of_canaries_are_corrected_for_the_worst_kind(seeds):
    kinds = [
        row | {"subset": "canaries", "canary_kind": kind}
        for row in seeds for kind in ("mislabel", "permuted")
    ]  # fmt: skip
    cell = summary(combine_seeds([*seeds, *kinds]))[0].lines[0]["canaries\nTPR at 1% FPR"]
    assert cell.endswith(("mislabel", "permuted"))
