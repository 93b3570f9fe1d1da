"""The metrics of an audit, where their values are known."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import privbench
from privbench.auditing import measuring

FOLDER = os.environ.get("PRIVBENCH_ORACLES", "")


def test_one_run_is_null_with_several_models(arrays):
    report = privbench.audit(arrays(), attacks=["loss"])
    assert report.attacks["loss"].to_json()["epsilon_lower_bound_one_run"] is None
    assert report.blocks is None


def test_without_signal_the_interval_holds_a_half(arrays):
    report = privbench.audit(
        arrays(n_models=12, n=400, signal=0.0, seed=3), attacks=["loss", "lira"]
    )
    for found in report.attacks.values():
        assert found.summary.auc_ci[0] < 0.5 < found.summary.auc_ci[1]
        assert found.epsilon_lower_bound < 0.1


def test_the_planted_record_is_the_most_vulnerable(arrays):
    made = arrays(n_models=16, signal=0.5)
    made["logits"][:, 33, made["labels"][33]] = np.where(made["member"][:, 33], 20, -20)
    worst = privbench.audit(made, attacks=["lira"]).attacks["lira"].most_vulnerable
    assert worst[0] == {"record": 33, "label": int(made["labels"][33]), "auc": 1.0}
    assert len(worst) == 10


def test_the_same_seed_gives_the_same_report_and_another_other_intervals(arrays):
    made = arrays()
    first, again, other = (privbench.audit(made, attacks=["loss"], seed=s) for s in (0, 0, 1))
    assert first.to_json() == again.to_json()
    assert first.attacks["loss"].summary.auc_ci != other.attacks["loss"].summary.auc_ci
    assert first.attacks["loss"].summary.auc == other.attacks["loss"].summary.auc


ORACLES = {
    "loss": ("loss", {}),
    "calibration": ("calibration", {}),
    "lira online global (mean centre, pooled residual variance, ddof 0)": (
        "lira", {"variance": "global"},
    ),
    "lira online per-record (median centre, std ddof 0)": ("lira", {"variance": "per-record"}),
    "lira offline global (mean centre)": ("lira", {"variance": "global", "mode": "offline"}),
    "rmia offline a=0.3 gamma=1, formula of protocol.md": ("rmia", {"mode": "offline", "a": 0.3}),
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


@pytest.mark.parametrize("n_models", [1, 6])
def test_an_attack_without_an_error_reaches_the_ceiling(arrays, n_models):
    report = privbench.audit(arrays(n_models=n_models, signal=90.0), attacks=["loss"])
    loss = report.attacks["loss"].to_json()
    assert loss["epsilon_lower_bound"] == pytest.approx(loss["epsilon_ceiling"], abs=0.01)
    assert loss["epsilon_lower_bound_one_run"] == loss["epsilon_ceiling_one_run"]
    assert (loss["epsilon_ceiling_one_run"] is None) == (n_models > 1)
    assert f" of {loss['epsilon_ceiling']:.2f}" in str(report)


def test_the_risk_of_records_is_computed_when_it_is_asked_for(arrays, monkeypatch):
    computed = []
    found = measuring.left_out_arrays

    def counted(attack, *rest):
        computed.append(attack.name)
        return found(attack, *rest)

    monkeypatch.setattr(measuring, "left_out_arrays", counted)
    report = privbench.audit(arrays(), attacks=["loss", "gap"])
    assert "loss" in str(report)
    assert computed == []
    report.to_html()
    assert computed == [report.chosen]
    report.to_json()
    assert sorted(computed) == ["gap", "loss"]
