"""Log runs of privbench to MLflow, where ``MLFLOW_TRACKING_URI`` says.

A run of privbench is a run of MLflow, and each of its rows is a nested one, with parameters, metrics and
their intervals. All rows are also an artifact, ``rows.csv`` and ``rows.json``, of the first.

What privbench stores does not depend on this: an observer gets copies of the rows after they are stored.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from privbench import hookimpl

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "privbench"
"""The experiment, unless MLFLOW_EXPERIMENT_NAME is set."""
PARAMETERS = (
    "benchmark", "dataset", "defense", "model", "attack", "knowledge", "observes", "seed", "subset",
    "canary_kind",
)  # fmt: skip
"""What tells one row from another."""
TAGS = ("status", "reason", "verdict", "key", "utility_key")
PARENT = "mlflow.parentRunId"
FAILURES = ("failed", "timeout", "unavailable")


class Tracker:
    """Logs one run of privbench."""

    def __init__(self) -> None:
        self.client: MlflowClient | None = None
        self.experiment = ""
        self.parent = ""
        self.nested: dict[str, str] = {}
        """Runs of MLflow by what tells their rows from others."""

    def start(self, benchmark: str, n_trials: int, remark: str) -> None:
        """Start the run that the rows belong to, if a place to log to is set."""
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            return
        from mlflow import MlflowClient

        client = MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        found = client.get_experiment_by_name(name)
        self.experiment = found.experiment_id if found else client.create_experiment(name)
        run = client.create_run(self.experiment, run_name=benchmark)
        self.parent = run.info.run_id
        client.log_param(self.parent, "benchmark", benchmark)
        client.log_param(self.parent, "n_trials", n_trials)
        if remark:
            client.set_tag(self.parent, "remark", remark)
        self.client = client

    def log(self, rows: list[dict[str, Any]]) -> None:
        """Log the rows of a trial, unless logging has failed before."""
        client, self.client = self.client, None
        if client is None:
            return
        for row in rows:
            self._log_row(client, row)
        # A server that does not answer makes each call wait for minutes: one failure ends the logging.
        self.client = client

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Log what is known after all trials: the verdicts, and the table."""
        client, self.client = self.client, None
        if client is None:
            return
        for row in rows:
            if row.get("verdict") and _identity(row) in self.nested:
                client.set_tag(self.nested[_identity(row)], "verdict", row["verdict"])
        client.log_text(self.parent, _csv(rows), "rows.csv")
        client.log_text(self.parent, json.dumps(rows, indent=1, default=str), "rows.json")
        failed = sum(row["status"] in FAILURES for row in rows)
        client.log_metric(self.parent, "n_rows", len(rows))
        client.log_metric(self.parent, "n_failed", failed)
        client.set_terminated(self.parent, "FAILED" if failed else "FINISHED")

    def _log_row(self, client: MlflowClient, row: dict[str, Any]) -> None:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.utils.time import get_current_time_millis

        name = f"{row['defense']} / {row['attack']}"
        run = client.create_run(self.experiment, run_name=name, tags={PARENT: self.parent})
        now = get_current_time_millis()
        run_id = run.info.run_id
        self.nested[_identity(row)] = run_id
        client.log_batch(
            run_id,
            metrics=[Metric(key, value, now, 0) for key, value in metrics_of(row)],
            params=[Param(key, str(row[key])) for key in PARAMETERS if row.get(key) is not None],
            tags=[RunTag(key, str(row[key])[:5000]) for key in TAGS if row.get(key)],
        )
        client.set_terminated(run_id, "FAILED" if row["status"] in FAILURES else "FINISHED")


def metrics_of(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a row by name; an interval as two, ``NAME_low`` and ``NAME_high``."""
    for key, value in row.items():
        if key in PARAMETERS or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            yield key, float(value)
        elif key.endswith("_ci") and value:
            yield from _interval(key.removesuffix("_ci"), value)
    for fpr, tpr in (row.get("tpr_at_fpr") or {}).items():
        if tpr["resolved"]:
            yield f"tpr_at_fpr_{fpr}", float(tpr["value"])
            yield from _interval(f"tpr_at_fpr_{fpr}", tpr["ci"] or ())
    guarantee = row.get("guarantee") or {}
    for key in ("epsilon", "delta"):
        if key in guarantee:
            yield f"guarantee_{key}", float(guarantee[key])


def _interval(name: str, bounds: Any) -> Iterator[tuple[str, float]]:
    for end, bound in zip(("low", "high"), bounds, strict=False):
        if bound is not None:
            yield f"{name}_{end}", float(bound)


def _identity(row: dict[str, Any]) -> str:
    return json.dumps([row.get(key) for key in PARAMETERS])


def _csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV; lists and dicts as JSON."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    for row in rows:
        nested = {key: json.dumps(v) for key, v in row.items() if isinstance(v, list | dict)}
        writer.writerow(row | nested)
    return text.getvalue()


_trackers = [Tracker()]
"""That of this process's present run: hooks are functions of a module, and find it here."""


@hookimpl
def run_started(plan: Any) -> None:
    """Start a run of MLflow."""
    _trackers[0] = Tracker()
    _trackers[0].start(plan.benchmark.name, len(plan.trials), plan.remark)


@hookimpl
def trial_finished(rows: list[dict[str, Any]]) -> None:
    """Log the rows of a trial."""
    _trackers[0].log(rows)


@hookimpl
def run_finished(rows: list[dict[str, Any]]) -> None:
    """Log verdicts and the table, and end the run."""
    _trackers[0].finish(rows)
