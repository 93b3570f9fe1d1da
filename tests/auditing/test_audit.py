"""Audits: who are the shadows, what is skipped, and numbers that are known."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import privbench
from privbench.errors import BadInput, DataError
from privbench.stages.scores import observe

FOLDER = os.environ.get("PRIVBENCH_ORACLES", "")
NEED_SHADOWS = {"lira", "shokri", "ml-leaks", "rmia", "attack-r", "calibration"}
PER_RECORD = {"lira", "rmia", "attack-r", "calibration"}
NEVER = {"gradient", "label-only", "quantile"}


def test_each_model_is_the_target_in_turn(arrays):
    report = privbench.audit(arrays())
    assert report.shadows == "leave-one-out"
    assert set(report.skipped) == NEVER
    assert report.attacks["lira"].scores.shape == (6, 200)
    assert report.attacks["lira"].summary.auc > 0.9
    assert report.attacks["lira"].summary.auc > report.attacks["loss"].summary.auc + 0.03


def test_one_model_without_shadows(arrays):
    report = privbench.audit(arrays(n_models=1, n=400))
    assert report.shadows == "none"
    assert report.intervals_over == "records"
    assert set(report.skipped) == NEVER | NEED_SHADOWS
    assert report.skipped["lira"] == "needs shadows"
    loss = report.attacks["loss"].to_json()
    assert loss["balanced_accuracy"] is None
    assert loss["auc_ci"][0] < loss["auc"] < loss["auc_ci"][1]
    assert 0 < loss["epsilon_lower_bound"] < 3
    assert loss["n_models"] == 1
    assert 0 < loss["epsilon_lower_bound_one_run"] < 4
    assert report.groups.max() == 49


def test_one_run_is_null_with_several_models(arrays):
    report = privbench.audit(arrays(), attacks=["loss"])
    assert report.attacks["loss"].to_json()["epsilon_lower_bound_one_run"] is None
    assert report.groups is None


def test_a_report_of_one_model_of_which_nothing_can_be_said(arrays):
    report = privbench.audit(arrays(n_models=1), attacks=["quantile"])
    text = str(report)
    assert text.startswith("1 model, 200 records")
    assert "No attack has given scores" in text
    assert "intervals" not in text


def test_shadows_on_the_same_records(arrays):
    report = privbench.audit(arrays(n_models=2), arrays(n_models=8, seed=1))
    assert report.shadows == "same records"
    assert set(report.skipped) == NEVER
    assert report.attacks["lira"].scores.shape == (2, 200)
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


OTHER_REFERENCE = "needs shadow answers on the same reference records"


def without_reference(made):
    return {name: array for name, array in made.items() if not name.startswith("reference")}


def permuted_reference(made):
    order = np.random.default_rng(0).permutation(len(made["reference_labels"]))
    answers, labels = made["reference_logits"], made["reference_labels"]
    return made | {"reference_logits": answers[:, order], "reference_labels": labels[order]}


def fewer_reference(made):
    answers, labels = made["reference_logits"], made["reference_labels"]
    return made | {"reference_logits": answers[:, :30], "reference_labels": labels[:30]}


def test_shadows_on_other_reference_records(arrays):
    target, shadow = arrays(n_models=2), arrays(n_models=8, seed=1)
    same = privbench.audit(target, shadow)
    for change in (without_reference, permuted_reference, fewer_reference):
        report = privbench.audit(target, change(shadow))
        assert report.failed == {}
        assert report.skipped == {
            name: reason for name, reason in report.skipped.items() if name in NEVER
        } | {"rmia": OTHER_REFERENCE}
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
    with pytest.raises(DataError, match="other labels"):
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


def test_answers_are_cut_down_once_for_all_attacks(arrays, monkeypatch):
    calls = []

    def counted(log_probs, observes):
        calls.append(observes)
        return observe(log_probs, observes)

    monkeypatch.setattr("privbench.auditing.report.observe", counted)
    attacks = ["loss", "lira", "confidence", "gap"]
    privbench.audit(arrays(n_models=2), arrays(n_models=4, seed=1), attacks=attacks)
    assert sorted(calls) == ["labels"] * 4 + ["probabilities"] * 4


def test_without_signal_the_interval_holds_a_half(arrays):
    report = privbench.audit(
        arrays(n_models=12, n=400, signal=0.0, seed=3), attacks=["loss", "lira"]
    )
    for found in report.attacks.values():
        assert found.summary.auc_ci[0] < 0.5 < found.summary.auc_ci[1]
        assert found.epsilon_lower_bound < 0.1


def test_accuracies_are_counted(arrays):
    made = arrays()
    report = privbench.audit(made, attacks=["gap"])
    right = made["logits"].argmax(-1) == made["labels"]
    assert report.accuracy == pytest.approx(right.mean())
    assert report.train_accuracy == pytest.approx(right[made["member"]].mean())
    assert report.test_accuracy == pytest.approx(right[~made["member"]].mean())


def test_the_planted_record_is_the_most_vulnerable(arrays):
    made = arrays(n_models=16, signal=0.5)
    made["logits"][:, 33, made["labels"][33]] = np.where(made["member"][:, 33], 20, -20)
    worst = privbench.audit(made, attacks=["lira"]).attacks["lira"].most_vulnerable
    assert worst[0] == {"record": 33, "label": int(made["labels"][33]), "auc": 1.0}
    assert len(worst) == 10


def test_parameters_are_set_and_checked(arrays):
    made = arrays()
    online = privbench.audit(made, attacks=["lira"])
    offline = privbench.audit(made, attacks=["lira"], set={"lira.mode": "offline"})
    assert online.attacks["lira"].summary.auc != offline.attacks["lira"].summary.auc
    with pytest.raises(BadInput, match=r"lira.mode: 'offlin' is not allowed"):
        privbench.audit(made, attacks=["lira"], set={"lira.mode": "offlin"})
    with pytest.raises(BadInput, match=r"--set lira.mod"):
        privbench.audit(made, attacks=["lira"], set={"lira.mod": "offline"})
    with pytest.raises(BadInput, match=r"unknown attack 'lyra'; did you mean 'lira'"):
        privbench.audit(made, attacks=["lyra"])


def test_the_same_seed_gives_the_same_report_and_another_other_intervals(arrays):
    made = arrays()
    first, again, other = (privbench.audit(made, attacks=["loss"], seed=s) for s in (0, 0, 1))
    assert first.to_json() == again.to_json()
    assert first.attacks["loss"].summary.auc_ci != other.attacks["loss"].summary.auc_ci
    assert first.attacks["loss"].summary.auc == other.attacks["loss"].summary.auc


def test_classes_must_agree(arrays):
    with pytest.raises(DataError, match="shadow has 3 classes, and target 4"):
        privbench.audit(arrays(), arrays(k=3))


def test_the_report_is_json_and_text(arrays):
    report = privbench.audit(arrays())
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert set(found) >= {"attacks", "skipped", "accuracy"}
    assert set(found["attacks"]["lira"]) >= {
        "auc", "auc_ci", "tpr_at_fpr", "balanced_accuracy", "advantage", "epsilon_lower_bound",
    }  # fmt: skip
    assert set(found["attacks"]["lira"]["tpr_at_fpr"]) == {"0.001", "0.01"}
    text = str(report)
    assert "6 models, 200 records, shadows: leave-one-out" in text
    assert "skipped quantile: needs the records themselves" in text


ORACLES = {
    "loss": ("loss", {}),
    "calibration": ("calibration", {}),
    "lira online global (mean centre, pooled residual variance, ddof 0)": (
        "lira", {"variance": "global"},
    ),
    "lira online per-record (median centre, std ddof 0)": ("lira", {"variance": "per-record"}),
    "lira offline global (mean centre)": ("lira", {"variance": "global", "mode": "offline"}),
    "rmia offline a=0.3 gamma=1, formula of protocol.md": ("rmia", {"mode": "offline"}),
}  # fmt: skip


@pytest.mark.skipif(not FOLDER, reason="PRIVBENCH_ORACLES is not set")
@pytest.mark.parametrize("dataset", ["location30", "mnist"])
@pytest.mark.parametrize("name", ORACLES)
def test_oracles(dataset, name):
    expected = json.loads(Path(FOLDER, "expected.json").read_text())[dataset][name]
    attack, params = ORACLES[name]
    report = privbench.audit(
        Path(FOLDER, f"{dataset}_target.npz"),
        shadow=Path(FOLDER, f"{dataset}_shadow.npz"),
        attacks=[attack],
        set={f"{attack}.{key}": value for key, value in params.items()},
    )
    assert report.attacks[attack].summary.auc == pytest.approx(expected["auc"], abs=1e-3)
