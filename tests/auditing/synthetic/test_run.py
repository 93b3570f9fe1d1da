"""Audits of synthetic tables: copies, fresh rows, and what must not matter."""

import numpy as np
import pandas as pd
import pytest

import privbench
from privbench.errors import BadInput

from .helpers import QUICK, people

TRAIN, HOLDOUT = people(300, 0), people(400, 1)


@pytest.fixture(scope="module")
def copied():
    """The audit of a copy of train, in another order."""
    return privbench.audit_data(TRAIN, HOLDOUT, TRAIN.sample(frac=1, random_state=0), attacks=QUICK)


def test_a_copy_is_found(copied):
    best = copied.attacks[copied.chosen]
    assert best.summary.tpr_at_fpr["0.01"]["value"] >= 0.9
    assert best.summary.auc_ci[0] > 0.95
    assert all(attack.above_chance for attack in copied.attacks.values())
    assert copied.verdict.startswith("The synthetic table reveals something")
    assert "300 synthetic rows (100.0%) are equal to a row of train" in " ".join(copied.remarks)


def test_fresh_rows_are_guessing():
    """Of 2 seeds times 3 attacks, 0.3 intervals lack .5 on average; the slow test counts more."""
    lacking = above = 0
    for seed in range(2):
        tables = (people(300, 10 * seed + i) for i in range(3))
        report = privbench.audit_data(*tables, attacks=QUICK)
        above += any(attack.above_chance for attack in report.attacks.values())
        for attack in report.attacks.values():
            lacking += not attack.summary.auc_ci[0] <= 0.5 <= attack.summary.auc_ci[1]
            assert attack.summary.interval_over == "records"
    assert lacking <= 2
    assert above == 0


def test_which_side_a_row_is_of_plays_no_part_in_its_score():
    """So that scores of fresh rows are draws of one distribution, and intervals over records hold."""
    train, holdout = people(60, 20), people(60, 21)
    others = people(80, 22), people(90, 23)
    one, swapped = (
        privbench.audit_data(*sides, others[0], reference=others[1], attacks=QUICK)
        for sides in ((train, holdout), (holdout, train))
    )
    assert (one.member.sum(), one.member.size) == (60, 120)
    for name in QUICK:
        first, second = (
            (report.attacks[name].scores[0][:60], report.attacks[name].scores[0][60:])
            for report in (one, swapped)
        )
        assert len(np.unique(first[0])) > 30
        for side, other in zip(first, second[::-1], strict=True):
            np.testing.assert_allclose(np.sort(side), np.sort(other), rtol=1e-5, atol=1e-9)


def test_the_order_of_rows_and_columns_plays_no_part(copied):
    names = list(TRAIN.columns)[::-1]
    order = np.random.default_rng(5).permutation(len(TRAIN))
    again = privbench.audit_data(
        TRAIN.iloc[order][names], HOLDOUT[::-1], TRAIN[::-1][names], attacks=QUICK
    )
    for name, attack in copied.attacks.items():
        np.testing.assert_allclose(again.attacks[name].scores, attack.scores, rtol=1e-5)
        assert again.attacks[name].summary.auc_ci == attack.summary.auc_ci
    first = [one.row for one in again.exposed(1)]
    assert order[first[0]] == copied.exposed(1)[0].row


def test_a_scale_of_a_column_plays_no_part(copied):
    def scaled(table):
        return table.assign(income=1000 * table["income"] + 5)

    again = privbench.audit_data(scaled(TRAIN), scaled(HOLDOUT), scaled(TRAIN), attacks=["dcr"])
    assert again.attacks["dcr"].summary.auc == pytest.approx(copied.attacks["dcr"].summary.auc)


def test_a_reference_table_leaves_the_whole_holdout(copied):
    report = privbench.audit_data(
        TRAIN, HOLDOUT, TRAIN, reference=people(100, 7), attacks=["density-ratio"]
    )
    assert report.rows.counts.nonmembers == 400 == 2 * copied.rows.counts.nonmembers
    assert report.rows.counts.reference_is == "a table"


def test_a_holdout_of_another_source_is_reported():
    other = HOLDOUT.assign(age=HOLDOUT["age"] + 60)
    report = privbench.audit_data(TRAIN, other, people(300, 2), attacks=["dcr"])
    assert any("can be told apart WITHOUT the synthetic table" in text for text in report.remarks)
    same = privbench.audit_data(TRAIN, HOLDOUT, people(300, 2), attacks=["dcr"])
    assert not any("WITHOUT" in text for text in same.remarks)


def test_a_failing_plugin_costs_its_own_result_alone(tmp_path):
    plugin = tmp_path / "bad.py"
    plugin.write_text(
        "import privbench\n"
        "class Bad(privbench.SyntheticAttack):\n"
        "    name = 'bad'\n"
        "    needs_shadows = 'no'\n"
        "    def score(self, view): raise RuntimeError('boom')\n"
        "@privbench.hookimpl\n"
        "def register_attacks(register): register(Bad)\n"
    )
    report = privbench.audit_data(
        TRAIN, HOLDOUT, TRAIN, attacks=["dcr", "bad"], plugins=[str(plugin)]
    )
    assert list(report.attacks) == ["dcr"]
    assert report.failed["bad"].startswith("RuntimeError: boom")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"attacks": ["lira"]}, "attacks: unknown attack on released data 'lira'"),
        ({"attacks": ["gen-lra"], "set": {"gen-lra.neighbours": 0}}, 'set["gen-lra.neighbours"]'),
        ({"set": {"gen-lra.k": 1}}, "gen-lra"),
        ({"shadow": "a", "generator": "b.py"}, "shadow=... and generator: give one of them"),
        ({"generator": "b.py", "shadows": 2}, "shadows=2 (allowed: at least 4)"),
        ({"drop": list(TRAIN.columns)}, "no columns are left"),
    ],
)
def test_wrong_options_are_named(options, words):
    with pytest.raises(BadInput) as error:
        privbench.audit_data(TRAIN, HOLDOUT, TRAIN, **options)
    assert words in str(error.value)


def test_arrays_and_one_column_are_audited():
    rng = np.random.default_rng(0)
    train, holdout = rng.normal(size=(60, 1)), rng.normal(size=(80, 1))
    report = privbench.audit_data(train, holdout, train, attacks=["dcr"])
    assert report.attacks["dcr"].summary.auc == 1
    assert report.risks == []
    assert isinstance(pd.DataFrame(report.to_json()["most_exposed"]), pd.DataFrame)
