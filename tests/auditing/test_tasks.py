"""Audits of regression and of several labels."""

import json

import numpy as np
import pytest

import privbench
from privbench.auditing.predictions import Predictions
from privbench.auditing.tasks import task_of
from privbench.errors import DataError

OF_REGRESSION = {
    "loss", "attack-p", "attack-r", "calibration", "base", "rmia", "info-rmia", "lira", "auto",
}  # fmt: skip


def regression(n_models=3, n=150, pull=0.7, references=40, seed=0):
    """Make predictions of models whose residuals on members are smaller by the share ``pull``."""
    rng, common = np.random.default_rng([seed, n_models]), np.random.default_rng(0)
    targets = 100 + 10 * common.normal(size=n + references)
    member = rng.random((n_models, n)) < 0.5
    residuals = 5 * common.normal(size=n + references) + rng.normal(size=(n_models, n + references))
    residuals[:, :n] *= 1 - pull * member
    predictions = targets - residuals
    return {
        "predictions": predictions[:, :n],
        "targets": targets[:n],
        "member": member,
        "reference_predictions": predictions[:, n:],
        "reference_targets": targets[n:],
    }


def labels(n_models=3, n=150, k=3, pull=2.0, seed=0):
    """Make predictions of models of ``k`` labels that are surer of members."""
    rng, common = np.random.default_rng([seed, n_models]), np.random.default_rng(0)
    y = common.integers(0, 2, (n, k))
    member = rng.random((n_models, n)) < 0.5
    sure = 1 + common.normal(size=(n, k)) + rng.normal(size=(n_models, n, k))
    logits = (sure + pull * member[..., None]) * (2 * y - 1)
    return {"logits": logits, "labels": y, "member": member}


def aucs(report):
    return {name: round(found.summary.auc, 4) for name, found in report.attacks.items()}


def test_regression():
    report = privbench.audit(regression())
    assert set(report.attacks) == OF_REGRESSION
    assert report.failed == {}
    assert report.skipped["entropy"] == "applies to classification, and not to regression"
    assert report.skipped["gap"] == "applies to classification, multi-label, and not to regression"
    text = str(report)
    assert "3 regression models, 150 records, shadows: leave-one-out; R² " in text
    assert " on members" in text
    found = report.to_json()
    assert found["task"] == "regression"
    assert found["accuracy"] is found["train_accuracy"] is None
    assert [one["name"] for one in found["quality"]] == ["R²", "RMSE"]
    assert {one["column"] for one in found["slices"]} == {"target"}
    assert "its target and the model" in report.to_html()
    assert "R² " in report._repr_html_()
    json.dumps(found, allow_nan=False)


def test_quality_of_regression_against_a_loop():
    arrays = regression(n_models=2, n=30)
    r2, rmse = privbench.audit(arrays, attacks=["loss"]).quality
    y = arrays["targets"]
    variance = sum((value - sum(y) / 30) ** 2 for value in y) / 30
    errors = [
        (arrays["predictions"][m, i] - y[i]) ** 2
        for m in range(2)
        for i in range(30)
        if arrays["member"][m, i]
    ]
    mean = sum(errors) / len(errors)
    assert r2.members == pytest.approx(1 - mean / variance)
    assert rmse.members == pytest.approx(mean**0.5)


def test_several_labels():
    report = privbench.audit(labels())
    assert set(report.attacks) == OF_REGRESSION - {"attack-p", "rmia", "info-rmia"} | {"gap"}
    assert report.skipped["rmia"] == "needs reference records"
    assert "3 multi-label models" in str(report)
    assert "mean accuracy of labels" in str(report)
    found = report.to_json()
    right = (labels()["logits"] > 0) == labels()["labels"]
    assert found["accuracy"] == pytest.approx(right.mean())
    assert {one["column"] for one in found["slices"]} == {"number of labels"}
    assert "probability of each label" in report.to_html()


def test_the_most_vulnerable_records_have_their_labels():
    of_regression = privbench.audit(regression(4), attacks=["lira"])
    worst = of_regression.attacks["lira"].most_vulnerable[0]
    assert worst["target"] == regression(4)["targets"][worst["record"]]
    of_labels = privbench.audit(labels(4), attacks=["lira"])
    worst = of_labels.attacks["lira"].most_vulnerable[0]
    assert worst["label"] == labels(4)["labels"][worst["record"]].tolist()


GOLDEN = {
    "regression": {
        "attack-p": 0.7884, "attack-r": 0.7045, "base": 0.9137, "calibration": 0.7729, "lira": 0.9393,
        "loss": 0.7913, "rmia": 0.899,
    },
    "labels": {
        "attack-r": 0.7386, "base": 0.9326, "calibration": 0.841, "lira": 0.9422, "loss": 0.9272,
        "gap": 0.7658,
    },
}  # fmt: skip


@pytest.mark.parametrize(("make", "name"), [(regression, "regression"), (labels, "labels")])
def test_goldens(make, name):
    report = privbench.audit(make(), attacks=GOLDEN[name])
    assert aucs(report) == pytest.approx(GOLDEN[name], abs=2e-4)


@pytest.mark.parametrize("make", [regression, labels])
def test_without_signal_intervals_hold_a_half(make):
    report = privbench.audit(make(n=600, pull=0.0, seed=2), attacks=["loss", "lira", "base"])
    for found in report.attacks.values():
        assert found.summary.auc_ci[0] < 0.5 < found.summary.auc_ci[1]


@pytest.mark.parametrize("change", [lambda a: a + 1e4, lambda a: a / 1e5, lambda a: -a])
def test_units_of_targets_do_not_matter(change):
    """Not even for the report, but for the error in these units."""
    arrays = regression()
    member = arrays.pop("member")
    changed = {name: change(array) for name, array in arrays.items()} | {"member": member}
    names = ["loss", "lira", "rmia", "attack-p"]
    reports = [privbench.audit(a, attacks=names) for a in (arrays | {"member": member}, changed)]
    assert aucs(reports[0]) == pytest.approx(aucs(reports[1]), abs=1e-4)


def test_shadows_of_others_and_a_single_model():
    one = {name: array[:1] if array.ndim == 2 else array for name, array in regression(2).items()}
    with_shadows = privbench.audit(one, regression(12, seed=1))
    assert with_shadows.shadows == "same records"
    assert with_shadows.attacks["lira"].summary.auc > 0.85
    alone = privbench.audit(
        one | {"predictions": one["predictions"][0], "member": one["member"][0]}
    )
    assert set(alone.attacks) == {"loss", "attack-p"}
    assert alone.attacks["loss"].summary.interval_over == "records"
    member = one["member"][0]
    first = np.flatnonzero(member)[np.abs(one["predictions"][0] - one["targets"])[member].argmin()]
    assert f'<td class="n">{one["targets"][first]:.6g}</td>' in alone.to_html()
    with pytest.raises(
        DataError, match="shadow has predictions of multi-label, but target of regr"
    ):
        privbench.audit(one, labels())


def test_predictions_may_be_a_column():
    arrays = regression(n_models=1, references=0)
    column = arrays | {
        "predictions": arrays["predictions"].T, "targets": arrays["targets"][:, None],
        "member": arrays["member"][0],
    }  # fmt: skip
    del column["reference_predictions"], column["reference_targets"]
    np.testing.assert_array_equal(Predictions.of(column).values, arrays["predictions"])


def test_the_task_follows_from_the_arrays():
    outputs, y = np.full((2, 5, 3), 1 / 3), np.zeros(5)
    assert task_of({"predictions": outputs[..., 0], "targets": y}) == "regression"
    assert task_of({"probs": outputs, "labels": y.astype(int)}) == "classification"
    assert task_of({"probs": outputs, "labels": np.zeros((5, 3), int)}) == "multi-label"


def without(arrays, name):
    return {key: array for key, array in arrays.items() if key != name}


BAD = [
    (without(regression(), "targets"), "targets is missing"),
    (without(regression(), "targets") | {"labels": np.zeros(150)}, "save labels as 'targets'"),
    (regression() | {"predictions": regression()["predictions"].T}, "save predictions.T"),
    (without(regression(), "predictions"), "predictions is missing"),
    (without(regression(), "reference_targets"), "reference_targets is missing"),
    (without(regression(), "member"), "member is missing"),
    (regression() | {"logits": np.zeros((3, 150, 2))}, "regression.*and logits.*both given"),
    (regression() | {"targets": np.full(150, np.nan)}, "targets: 150 values are NaN"),
    (regression() | {"targets": np.full(150, "a")}, "targets must be numbers, got <U1"),
    (regression() | {"targets": np.zeros(149)}, r"shape \(3, 150\) and targets \(149,\)"),
    (regression() | {"targets": np.zeros((150, 2))}, "one number for each record"),
    (regression() | {"reference_predictions": np.zeros((2, 40))}, "as many models"),
    (labels() | {"labels": labels()["labels"] + 1}, "must be 0 or 1"),
    (labels() | {"labels": labels()["labels"][:, :2]}, "expected .models, records, labels."),
    (without(labels(), "logits"), "'logits' or 'probs' is missing"),
    (without(labels(), "logits") | {"probs": labels()["logits"]}, r"probs must lie in \[0, 1\]"),
    (labels() | {"probs": labels()["logits"]}, "logits and probs are both given"),
]  # fmt: skip


@pytest.mark.parametrize(("arrays", "message"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_named(arrays, message):
    with pytest.raises(DataError, match=f"^target: .*{message}"):
        privbench.audit(arrays)


def test_one_class_written_as_several_labels():
    one_hot = np.eye(3, dtype=int)[np.arange(150) % 3]
    probs = np.full((3, 150, 3), 1 / 3)
    arrays = {"probs": probs, "labels": one_hot, "member": labels()["member"]}
    with pytest.raises(DataError, match=r"this is classification; save labels.argmax\(axis=1\)"):
        privbench.audit(arrays)
    assert (
        privbench.audit(arrays | {"probs": probs / 2}, attacks=["loss"]).target.task
        == "multi-label"
    )


def test_the_command(cli, tmp_path):
    path = tmp_path / "target.npz"
    np.savez(path, **regression(n_models=2))
    result = cli("audit", path, "--html", tmp_path / "report.html")
    assert result.exit_code == 0
    assert "2 regression models" in result.stdout
    assert "regression" in (tmp_path / "report.html").read_text(encoding="utf-8")
