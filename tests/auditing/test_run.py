"""``privbench.audit``: which attacks run, with which parameters."""

import hashlib

import numpy as np
import pytest

import privbench
from privbench.auditing import Predictions
from privbench.errors import BadInput, DataError


def test_accuracies_are_counted(arrays):
    made = arrays()
    report = privbench.audit(made, attacks=["gap"])
    right = made["logits"].argmax(-1) == made["labels"]
    assert report.accuracy == pytest.approx(right.mean())
    assert report.train_accuracy == pytest.approx(right[made["member"]].mean())
    assert report.test_accuracy == pytest.approx(right[~made["member"]].mean())


def test_parameters_are_set_and_checked(arrays):
    made = arrays()
    online = privbench.audit(made, attacks=["lira"])
    offline = privbench.audit(made, attacks=["lira"], set={"lira.mode": "offline"})
    assert online.attacks["lira"].summary.auc != offline.attacks["lira"].summary.auc
    with pytest.raises(BadInput, match=r"lira.mode\"\]: 'offlin' is not allowed"):
        privbench.audit(made, attacks=["lira"], set={"lira.mode": "offlin"})
    with pytest.raises(BadInput, match=r"set\[\"lira.mod\"\]"):
        privbench.audit(made, attacks=["lira"], set={"lira.mod": "offline"})
    with pytest.raises(BadInput, match=r"unknown attack 'lyra'; did you mean 'lira'"):
        privbench.audit(made, attacks=["lyra"])


def test_classes_must_agree(arrays):
    with pytest.raises(DataError, match="shadow has 3 classes, but target has 4"):
        privbench.audit(arrays(), arrays(k=3))


def test_predictions_come_from_arrays_objects_and_files(arrays, tmp_path):
    made = arrays()
    np.savez(tmp_path / "target.npz", **made)
    sources = (made, Predictions.of(made), tmp_path / "target.npz", str(tmp_path / "target.npz"))
    reports = [privbench.audit(source, attacks=["loss"]).to_json() for source in sources]
    inputs = [report.pop("inputs") for report in reports]
    assert reports == [reports[0]] * len(sources)
    assert [one["name"] for (one,) in inputs] == ["", "", "target.npz", "target.npz"]
    digest = hashlib.sha256((tmp_path / "target.npz").read_bytes()).hexdigest()
    assert [one["sha256"] for (one,) in inputs] == [None, None, digest, digest]


def test_attacks_on_released_data_run_only_if_named_and_are_skipped(arrays):
    assert "dcr" not in privbench.audit(arrays(n_models=1)).skipped
    report = privbench.audit(arrays(n_models=1), attacks=["dcr", "loss"])
    assert "released data" in report.skipped["dcr"]
    assert set(report.attacks) == {"loss"}
