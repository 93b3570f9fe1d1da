"""The stages of a small plan whose records are in groups."""

import numpy as np
import pytest

from privbench.metrics.groups import Groups
from privbench.metrics.roc import auc
from privbench.units import Units


@pytest.fixture
def grouped(plan, blobs, tmp_path):
    """Plan ``small`` on records that stand two or three times."""

    def make(*overrides, select=None):
        with np.load(blobs) as arrays:
            again = np.concatenate([np.arange(60), np.arange(60), np.arange(40)])
            path = tmp_path / "copies.npz"
            np.savez(path, x=arrays["x"][again], y=arrays["y"][again], person=again // 2)
        option = f'datasets=[{{ name = "npz", path = "{path}", duplicates = "group" }}]'
        return plan(option, *overrides, select=select)

    return make


def test_rows_are_about_groups(grouped, compute):
    chosen = grouped(select="none and lira and adaptive")
    trial = chosen.trials[0]
    setting = compute(chosen, trial.metrics[0].setting).live
    assert set(setting.groups.sizes) == {2, 3}
    scores = compute(chosen, trial.metrics[0].scores).arrays["scores"]
    of_groups = setting.groups.scores(scores, add=True)
    member = setting.groups.member(setting.member)
    numbers = compute(chosen, trial.metrics[0])
    assert numbers.info["auc"] == auc(of_groups, member)
    assert numbers.arrays["auc_influence"].shape == member.shape
    assert numbers.info["n_members"] == member.sum()
    risk = compute(chosen, trial.records[0]).info["record_risk"]
    assert risk["n_records"] <= len(setting.groups)
    facts = compute(chosen, trial.audits[0]).info["audit"]["groups"]
    sizes = setting.groups.sizes
    assert facts["n_groups"] == len(sizes)
    assert facts["n_records"] == len(setting.pool)
    assert facts["n_audited"] == (sizes == facts["audited_size"]).sum()
    warnings = compute(chosen, trial.warnings[0]).info["warnings"]
    assert "repeated-records" not in {warning["name"] for warning in warnings}
    canaries = compute(chosen, trial.audits[1]).info["audit"]["groups"]
    assert canaries["audited_size"] == 1


def test_the_scores_of_copies_say_what_one_of_them_says(grouped, compute):
    chosen = grouped(select="none and loss and adaptive")
    stage = chosen.trials[0].metrics[0]
    setting = compute(chosen, stage.setting).live
    scores = compute(chosen, stage.scores).arrays["scores"]
    units = Units.of(setting, "records")
    first = scores[:, setting.groups.first]
    np.testing.assert_allclose(units.scores(scores, add=True), first, rtol=1e-6)
    np.testing.assert_array_equal(units.labels, setting.pool.y[setting.groups.first])


def test_a_claim_is_tested_for_as_many_records_as_a_coin_replaces(grouped, compute):
    """Noise on outputs covers a number of queries: of all records of a group."""
    options = ('noisy.noise="laplace"', 'attacks=["loss"]', 'defenses=["noisy"]')
    chosen = grouped(*options, "noisy.queries=12", select="adaptive")
    (records, canaries) = (
        compute(chosen, stage).info["audit"] for stage in chosen.trials[0].audits
    )
    size = records["groups"]["audited_size"]
    assert size > 1
    assert canaries["claim"] is not None
    assert records["claim"]["epsilon"] == pytest.approx(size * canaries["claim"]["epsilon"])
    chosen = grouped(*options, f"noisy.queries={size - 1}", select="adaptive")
    records, canaries = (compute(chosen, stage).info["audit"] for stage in chosen.trials[0].audits)
    assert records["claim"] is None
    assert canaries["claim"] is not None


def test_persons_and_their_copies_are_joined(grouped, compute):
    chosen = grouped(select="none and loss and adaptive")
    (dataset,) = chosen.benchmark.datasets
    by_person = dataset.bound.component.model_copy(update={"groups": "person"})
    data = by_person.load()
    groups = Groups.of(data.groups)
    assert len(groups) == 30
    assert set(groups.sizes) == {4, 6}
    alone = by_person.model_copy(update={"duplicates": "keep"}).load()
    np.testing.assert_array_equal(Groups.of(alone.groups).codes, groups.codes)


def test_reference_records_of_the_row_are_those_that_groups_leave(grouped, compute):
    chosen = grouped("public=11", select="none and loss and adaptive")
    stage = chosen.trials[0].metrics[0].setting
    setting = compute(chosen, stage).live
    assert stage.n_reference == len(setting.reference)
    assert stage.n_public == len(setting.public) <= 11
