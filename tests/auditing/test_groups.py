"""Audits of groups of records, such as all records of a person."""

import json

import numpy as np
import pytest

import privbench
from privbench.auditing.predictions import Predictions
from privbench.errors import DataError
from privbench.metrics.groups import Groups

N_GROUPS = 60


def grouped(arrays, n_models=3, seed=0, person=None, **options):
    """Return predictions of models that were trained on all records of a person or on none."""
    made = arrays(n_models=n_models, seed=seed, **options)
    n = len(made["labels"])
    if person is None:
        person = np.random.default_rng(5).integers(0, N_GROUPS, n)
    drawn = np.random.default_rng([seed, n_models]).random((n_models, person.max() + 1)) < 0.5
    signal = options.get("signal", 3.0)
    member = drawn[:, person]
    change = signal * (member.astype(float) - made["member"])
    made["logits"][:, np.arange(n), made["labels"]] += change.astype(np.float32)
    return made | {"member": member, "person": person}


def test_scores_are_summed_or_averaged(arrays):
    made = grouped(arrays)
    by_record = privbench.audit({n: a for n, a in made.items() if n != "person"})
    report = privbench.audit(made, groups="person")
    groups = Groups.of(made["person"])
    add_up = {"lira", "base", "info-rmia", "calibration", "auto", "shokri", "ml-leaks", "pmia"}
    assert add_up < set(report.attacks)
    for name, found in report.attacks.items():
        expected = groups.scores(by_record.attacks[name].scores, add=name in add_up)
        np.testing.assert_array_equal(found.scores, expected)
        assert found.called is None or found.called.shape == expected.shape
    offline = privbench.audit(made, groups="person", attacks=["lira"], set={"lira.mode": "offline"})
    alone = privbench.audit(made, attacks=["lira"], set={"lira.mode": "offline"})
    np.testing.assert_array_equal(
        offline.attacks["lira"].scores, groups.scores(alone.attacks["lira"].scores, add=False)
    )


def test_groups_of_one_record_change_no_bit(arrays):
    """But for per-class thresholds, for a group has no class."""
    made = arrays(n_models=4)
    names = ["lira", "loss", "gap"]
    plain = privbench.audit(made, attacks=names).to_json()["attacks"]
    report = privbench.audit(made, attacks=names, groups=np.arange(200) + 1000)
    for name, found in report.to_json()["attacks"].items():
        for one in (found["most_vulnerable"], plain[name].pop("most_vulnerable")):
            assert len(one) == 10
        del found["most_vulnerable"]
        assert found == plain[name]
    assert report.exceeded({"tpr@0.02": 0, "auc": 0.0})


def test_the_report_is_about_groups(arrays):
    made = grouped(arrays, n_models=6)
    made["region"] = made["person"] % 3
    report = privbench.audit(made, groups="person", slices=["region"], attacks=["lira", "gap"])
    n_groups = len(np.unique(made["person"]))
    assert report.member.shape == (6, n_groups)
    assert f"200 records in {n_groups} groups" in str(report)
    assert "over models and groups for attacks with shadows" in str(report)
    found = report.to_json()
    assert (found["n_records"], found["n_groups"]) == (200, n_groups)
    assert {one["column"] for one in found["slices"]} == {"region"}
    assert sum(one["n_members"] for one in found["slices"]) == report.member.sum()
    lira = report.attacks["lira"]
    assert lira.summary.n_members == report.member.sum()
    assert lira.summary.auc > 0.9
    assert lira.record_risk["n_records"] <= n_groups
    assert set(lira.most_vulnerable[0]) == {"group", "auc"}
    assert int(lira.most_vulnerable[0]["group"]) in made["person"]
    page = report.to_html()
    assert "groups of records" in page
    assert "Most exposed" in page or "no group can be named" in page
    json.dumps(found, allow_nan=False)


def test_without_signal_intervals_hold_a_half(arrays):
    made = grouped(arrays, n_models=4, n=400, signal=0.0, seed=3)
    report = privbench.audit(made, groups="person", attacks=["loss", "lira"])
    for found in report.attacks.values():
        assert found.summary.auc_ci[0] < 0.5 < found.summary.auc_ci[1]
        assert abs(found.record_risk["mean_auc"] - 0.5) < 0.15


def test_a_single_model_resamples_groups(arrays):
    report = privbench.audit(grouped(arrays, n_models=1, n=400), groups="person", attacks=["loss"])
    assert report.blocks.shape == report.member[0].shape
    assert "over groups" in str(report)
    assert report.exceeded({"tpr@0.05": 0.0})
    assert "accuse first" in report.to_html()


def test_shadows_have_the_same_groups(arrays):
    target, shadow = grouped(arrays, 2), grouped(arrays, 8, seed=1)
    report = privbench.audit(target, shadow, groups="person", attacks=["lira"])
    assert report.shadows == "same records"
    assert report.attacks["lira"].summary.auc > 0.9
    assert report.attacks["lira"].summary.balanced_accuracy > 0.7
    with pytest.raises(DataError, match=r"^shadow: membership must be the same for all records"):
        privbench.audit(target, arrays(8, seed=1), groups="person")


def test_shadows_on_other_records_need_groups_of_their_own(arrays):
    target, shadow = grouped(arrays, 2), grouped(arrays, 8, n=150, pool=1)
    report = privbench.audit(target, shadow, groups="person", attacks=["shokri", "loss"])
    assert report.attacks["loss"].summary.balanced_accuracy > 0.6
    del shadow["person"]
    with pytest.raises(DataError, match=r"^shadow: there is no array 'person'"):
        privbench.audit(target, shadow, groups="person")


def test_groups_that_are_not_of_one_kind_are_named(arrays):
    made = grouped(arrays)
    made["member"][1, np.flatnonzero(made["person"] == 7)[0]] ^= True
    with pytest.raises(DataError, match=r"^target: person: membership must be the same.* for '7'$"):
        privbench.audit(made, groups="person")
    made = grouped(arrays) | {"age": np.arange(200) % 2}
    with pytest.raises(DataError, match=r"^target: age: a slice must be the same"):
        privbench.audit(made, groups="person", slices=["age"])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("persn", "target: there is no array 'persn'"),
        (np.arange(199), r"target: groups has shape \(199,\)"),
        (np.where(np.arange(200) < 2, np.nan, 1.0), r"target: groups: 2 records have no group"),
    ],
)
def test_groups_that_are_no_groups(arrays, groups, message):
    with pytest.raises(DataError, match=message):
        privbench.audit(grouped(arrays), groups=groups)


def test_predictions_that_were_read_before(arrays):
    read = Predictions.of(grouped(arrays), columns=["person"])
    report = privbench.audit(read, groups="person", attacks=["loss"])
    assert report.unit == "group"
    assert read.groups is None


def test_the_command(cli, arrays, tmp_path):
    path = tmp_path / "target.npz"
    np.savez(path, **grouped(arrays))
    result = cli("audit", path, "--group", "person", "--attack", "loss")
    assert result.exit_code == 0, result.output
    assert "records in 5" in result.stdout
    assert cli("audit", path, "--group", "persn").output.startswith(
        f"error: {path}: there is no array"
    )
    result = cli("audit", path, "--group", "labels", "--attack", "loss")
    assert result.exit_code == 2
    assert "membership must be the same for all records of a group" in result.output
