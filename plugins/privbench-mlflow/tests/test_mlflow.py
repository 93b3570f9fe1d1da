"""Runs and rows in a store of files: parameters, metrics with intervals, artifacts, and failures."""

import csv
import importlib.metadata
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from privbench_mlflow import metrics_of

import privbench

CONFIG = """
[defenses.noisy]
mechanisms = [{ name = "output-noise", noise = "laplace", scale = 0.5 }]

[benchmarks.small]
datasets = ["digits"]
models = [{ name = "logistic", epochs = 2 }]
defenses = ["none", "noisy"]
attacks = ["loss", "dcr"]
knowledge = ["adaptive"]
population = 3
pool = 300
canaries = 0
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "tracked").as_uri())
    path = tmp_path / "benchmarks.toml"
    path.write_text(CONFIG)
    return path


def rows_of(config, **settings):
    return privbench.run("small", config=config, results=config.parent, **settings).to_dict(
        "records"
    )


def logged(experiment="privbench"):
    client = MlflowClient()
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    return parents, [run for run in found if run not in parents]


def test_rows_with_parameters_metrics_and_intervals(config):
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="mlflow")]
    rows = rows_of(config)
    assert {row["status"] for row in rows} == {"ok", "skipped"}  # there are no released data
    (parent,), nested = logged()
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {"benchmark": "small", "n_trials": "4"}
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {parent.info.run_id}
    assert len(nested) == len(rows) == 4
    by_name = {(run.data.params["defense"], run.data.params["attack"]): run for run in nested}
    for row in rows:
        run = by_name[row["defense"], row["attack"]]
        assert run.data.tags["status"] == row["status"]
        assert run.data.params["dataset"] == "digits"
        assert run.data.params["seed"] == "0"
        if row["status"] == "skipped":
            assert run.data.tags["reason"] == row["reason"]
            assert "auc" not in run.data.metrics
            continue
        metrics = run.data.metrics
        assert metrics["auc"] == row["auc"]
        assert [metrics["auc_low"], metrics["auc_high"]] == row["auc_ci"]
        assert metrics["test_accuracy"] == row["test_accuracy"]
        tpr = row["tpr_at_fpr"]["0.01"]
        assert metrics["tpr_at_fpr_0.01"] == tpr["value"]
        assert [metrics["tpr_at_fpr_0.01_low"], metrics["tpr_at_fpr_0.01_high"]] == tpr["ci"]
        assert run.data.tags["key"] == row["key"]


def test_the_table_is_an_artifact(config):
    rows = rows_of(config)
    (parent,), _ = logged()
    folder = Path(parent.info.artifact_uri.removeprefix("file://"))
    with (folder / "rows.csv").open() as file:
        table = list(csv.DictReader(file))
    assert sorted((r["defense"], r["attack"]) for r in table) == sorted(
        (r["defense"], r["attack"]) for r in rows
    )
    stored = json.loads((folder / "rows.json").read_text())
    assert sorted(r["key"] for r in stored if r["key"]) == sorted(
        r["key"] for r in rows if r["key"]
    )


def test_guarantees_and_verdicts(config):
    config.write_text(CONFIG.replace("canaries = 0", "").replace('"dcr"', '"lira"'))
    rows = rows_of(config)
    names = ("defense", "attack", "subset", "canary_kind")
    verdicts = {tuple(row[n] for n in names): row["verdict"] for row in rows if row["verdict"]}
    _, nested = logged()
    found = {tuple(run.data.params.get(name) for name in names): run for run in nested}
    assert set(verdicts.values()) <= {"refuted", "consistent", "not tested"}
    assert verdicts
    for name, verdict in verdicts.items():
        assert found[name].data.tags["verdict"] == verdict
        assert found[name].data.metrics["guarantee_epsilon"] > 0


def test_the_experiment_has_the_name_that_is_set(config, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    rows_of(config)
    rows_of(config)
    parents, nested = logged("mine")
    assert len(parents) == 2
    assert len(nested) == 8
    assert MlflowClient().get_experiment_by_name("privbench") is None


def test_nothing_is_logged_without_a_place_to_log_to(config, monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)
    assert len(rows_of(config)) == 4
    assert not list(tmp_path.rglob("mlruns*"))
    assert not (tmp_path / "tracked").exists()


def test_a_failure_loses_no_row_and_is_not_repeated(config, monkeypatch):
    expected = rows_of(config)
    calls = []

    def fail(self, *args, **kwargs):
        calls.append(args)
        raise ConnectionError("the server does not answer")

    monkeypatch.setattr(MlflowClient, "log_batch", fail)
    rows = rows_of(config)
    assert [row["key"] for row in rows] == [row["key"] for row in expected]
    assert len(calls) == 1  # and not one for each trial
    parents, _ = logged()
    assert sorted(run.info.status for run in parents) == ["FINISHED", "RUNNING"]


def test_a_place_that_cannot_be_written_to(config, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://nowhere")
    assert len(rows_of(config)) == 4


def test_numbers_that_are_not_known_are_left_out():
    row = {
        "auc": 0.6, "auc_ci": [0.5, None], "seed": 3, "gap": None, "key": "k", "flag": True,
        "tpr_at_fpr": {
            "0.01": {"value": 0.2, "ci": [0.1, 0.3], "resolved": True},
            "0.001": {"value": None, "ci": None, "resolved": False},
        },
        "guarantee": {"epsilon": 2.0, "delta": 0.0},
    }  # fmt: skip
    assert dict(metrics_of(row)) == {
        "auc": 0.6, "auc_low": 0.5, "tpr_at_fpr_0.01": 0.2, "tpr_at_fpr_0.01_low": 0.1,
        "tpr_at_fpr_0.01_high": 0.3, "guarantee_epsilon": 2.0, "guarantee_delta": 0.0,
    }  # fmt: skip
