"""Who the shadows of an audit are, and which attacks are skipped for lack of them."""

import numpy as np
import pytest

import privbench
from privbench.auditing.shadows import OTHER_REFERENCE
from privbench.errors import DataError
from privbench.stages.scores import observe

NEED_SHADOWS = {
    "lira", "shokri", "ml-leaks", "rmia", "info-rmia", "base", "auto", "attack-r", "calibration", "pmia",
}  # fmt: skip
PER_RECORD = {"info-rmia", "base", "auto", "lira", "rmia", "attack-r", "calibration", "pmia"}
NEVER = {"gradient", "label-only", "oslo", "quantile"}


def test_each_model_is_the_target_in_turn(arrays):
    report = privbench.audit(arrays())
    assert report.shadows == "leave-one-out"
    assert set(report.skipped) == NEVER
    assert report.attacks["lira"].scores.shape == (6, 200)
    over = {name: found.summary.interval_over for name, found in report.attacks.items()}
    expected = {n: "models and records" if n in NEED_SHADOWS else "models" for n in over}
    assert over == expected
    assert "over models and records for attacks with shadows, else over models" in str(report)
    assert report.attacks["lira"].summary.auc > 0.9
    assert report.attacks["lira"].summary.auc > report.attacks["loss"].summary.auc + 0.03


def test_one_model_without_shadows(arrays):
    report = privbench.audit(arrays(n_models=1, n=400))
    assert report.shadows == "none"
    assert report.attacks["loss"].summary.interval_over == "records"
    assert "intervals: 95%, over records" in str(report)
    assert set(report.skipped) == NEVER | NEED_SHADOWS
    assert report.skipped["lira"] == "needs shadows"
    loss = report.attacks["loss"].to_json()
    assert loss["balanced_accuracy"] is None
    assert loss["auc_ci"][0] < loss["auc"] < loss["auc_ci"][1]
    assert 0 < loss["epsilon_lower_bound"] < 3 < loss["epsilon_ceiling"]
    assert loss["n_models"] == 1
    assert 0 < loss["epsilon_lower_bound_one_run"] < loss["epsilon_ceiling_one_run"] < 4
    assert report.blocks.max() == 49


def test_shadows_on_the_same_records(arrays):
    report = privbench.audit(arrays(n_models=2), arrays(n_models=8, seed=1))
    assert report.shadows == "same records"
    assert set(report.skipped) == NEVER
    assert report.attacks["lira"].scores.shape == (2, 200)
    assert report.attacks["lira"].summary.interval_over == "models"
    assert report.attacks["lira"].summary.auc > 0.9


def test_shadows_on_other_records(arrays):
    report = privbench.audit(arrays(n_models=2), arrays(n_models=8, n=150, pool=1))
    assert report.shadows == "other records"
    assert set(report.skipped) == NEVER | PER_RECORD
    assert report.skipped["lira"] == "needs shadows on the same records"
    assert report.attacks["shokri"].summary.auc > 0.7
    assert report.attacks["confidence"].summary.balanced_accuracy > 0.6


def test_without_reference_records_their_attacks_are_skipped(arrays):
    made = arrays()
    del made["reference_logits"], made["reference_labels"]
    report = privbench.audit(made)
    assert report.skipped["rmia"] == report.skipped["attack-p"] == "needs reference records"


def without_reference(made):
    return {name: array for name, array in made.items() if not name.startswith("reference")}


def permuted_reference(made):
    order = np.random.default_rng(0).permutation(len(made["reference_labels"]))
    outputs, labels = made["reference_logits"], made["reference_labels"]
    return made | {"reference_logits": outputs[:, order], "reference_labels": labels[order]}


def fewer_reference(made):
    outputs, labels = made["reference_logits"], made["reference_labels"]
    return made | {"reference_logits": outputs[:, :30], "reference_labels": labels[:30]}


def test_shadows_on_other_reference_records(arrays):
    target, shadow = arrays(n_models=2), arrays(n_models=8, seed=1)
    same = privbench.audit(target, shadow)
    for change in (without_reference, permuted_reference, fewer_reference):
        report = privbench.audit(target, change(shadow))
        assert report.failed == {}
        assert report.skipped == {
            name: reason for name, reason in report.skipped.items() if name in NEVER
        } | dict.fromkeys(("rmia", "info-rmia"), OTHER_REFERENCE)
        for name in ("lira", "attack-p"):
            np.testing.assert_array_equal(report.attacks[name].scores, same.attacks[name].scores)


def with_ids(made, ids):
    return made | {"record_ids": np.asarray(ids)}


def test_record_ids_decide_over_labels(arrays, caplog):
    target, shadow = with_ids(arrays(2), range(200)), arrays(n_models=8, seed=1)
    kinds = {
        "same": with_ids(shadow, [str(i) for i in range(200)]),
        "other": with_ids(shadow, range(1, 201)),
        "permuted": with_ids(shadow, range(199, -1, -1)),
        "none": shadow,
    }
    found = {
        name: privbench.audit(target, made, attacks=["lira", "loss"]).shadows
        for name, made in kinds.items()
    }
    assert found == {
        "same": "same records", "other": "other records",
        "permuted": "other records", "none": "same records",
    }  # fmt: skip
    assert "another order" in caplog.text
    assert "sorted" not in caplog.text
    with pytest.raises(DataError, match="labels are different"):
        privbench.audit(target, kinds["same"] | {"labels": (shadow["labels"] + 1) % 4})


def test_sorted_labels_are_warned_about(arrays, caplog):
    target, shadow = arrays(n_models=2), arrays(n_models=8, seed=1)
    for made in (target, shadow):
        made["labels"] = np.sort(made["labels"])
    assert privbench.audit(target, shadow, attacks=["loss"]).shadows == "same records"
    assert "sorted" in caplog.text
    assert "record_ids" in caplog.text
    caplog.clear()
    ids = range(200)
    privbench.audit(with_ids(target, ids), with_ids(shadow, ids), attacks=["loss"])
    assert "sorted" not in caplog.text


def test_outputs_are_reduced_once_for_all_attacks(arrays, monkeypatch):
    calls = []

    def counted(log_probs, observes):
        calls.append(observes)
        return observe(log_probs, observes)

    monkeypatch.setattr("privbench.auditing.shadows.observe", counted)
    attacks = ["loss", "lira", "confidence", "gap"]
    privbench.audit(arrays(n_models=2), arrays(n_models=4, seed=1), attacks=attacks)
    assert sorted(calls) == ["labels"] * 4 + ["probabilities"] * 4
