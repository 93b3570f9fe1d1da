"""Turn a trial and its stored results into rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from privbench.components.outcome import NoResult
from privbench.plan import Plan
from privbench.seeds import digest
from privbench.stages import Stage, walk
from privbench.storage.artifacts import Store
from privbench.storage.results import COLUMNS, Row
from privbench.trial import Trial

TRIAL = (
    "benchmark", "dataset", "defense", "model", "attack", "observes", "knowledge", "seed"
)  # fmt: skip
"""The columns of a row that are attributes of its trial."""


@dataclass
class TrialRows:
    """Makes the rows of a plan's trials."""

    plan: Plan
    store: Store
    failures: dict[str, NoResult]
    """Why stages have no artifact, by key."""
    _seconds: dict[str, float] = field(default_factory=dict)
    """Those of stored stages behind the rows that were made, by key."""

    def of(self, trial: Trial) -> tuple[list[Row], str]:
        """Return the rows of a trial, and the traceback if it failed."""
        base: Row = dict.fromkeys(COLUMNS)
        for name in TRIAL:
            base[name] = getattr(trial, name)
        base |= {"status": "ok", "reason": "", "n_models": self.plan.benchmark.population}
        if trial.rejected is not None:
            base |= {"status": trial.rejected.status, "reason": trial.rejected.reason, "key": ""}
            rows = [base | attacked._asdict() for attacked in trial.attacked]
            return rows, trial.rejected.traceback
        return self._computed_rows(trial, base)

    def _computed_rows(self, trial: Trial, base: Row) -> tuple[list[Row], str]:
        assert trial.utility is not None
        setting = trial.utility.setting
        base = base | {"n_reference": setting.n_reference, "n_public": setting.n_public}
        rows, trace = [], ""
        for position, (attacked, metrics) in enumerate(
            zip(trial.attacked, trial.metrics, strict=True)
        ):
            row = base | attacked._asdict()
            audit, warnings = trial.audits[position], trial.warnings[position]
            records = trial.records[position]
            if (
                isinstance(metrics, NoResult)
                or audit is None
                or records is None
                or warnings is None
            ):
                assert isinstance(metrics, NoResult)
                rows.append(row | {"status": metrics.status, "reason": metrics.reason, "key": ""})
                continue
            stages = (trial.utility, metrics, records, audit, warnings)
            row["key"] = digest([stage.key for stage in stages])
            failure = next((self.failures[s.key] for s in stages if s.key in self.failures), None)
            if failure is not None:
                row |= {"status": failure.status, "reason": failure.reason}
                trace = failure.traceback
            else:
                utility = self.store.info("utility", trial.utility.key)
                row["reason"] = utility.pop("guarantee_reason")
                del utility["facts"]  # which the guarantee is made of
                row["utility_key"] = trial.utility.key
                row["metrics_key"] = metrics.key
                numbers = self.store.info("metrics", metrics.key)
                row |= utility | {name: numbers[name] for name in COLUMNS if name in numbers}
                row |= self.store.info("records", records.key)
                row |= self.store.info("audit", audit.key)
                row["queries"] = trial.queries
                row["warnings"] = self._warnings(trial, position)
                row["seconds"] = self.seconds(*stages)
            rows.append({name: _in_order(value) for name, value in row.items()})
        return rows, trace

    def _warnings(self, trial: Trial, position: int) -> list[Any]:
        """Return the warnings of a trial's row. A naive attack that failed is not compared."""
        stages = [trial.warnings[position], *trial.comparisons[position : position + 1]]
        return [
            warning
            for stage in stages
            if stage is not None and stage.key not in self.failures
            for warning in self.store.info(stage.kind, stage.key)["warnings"]
        ]

    def seconds(self, *stages: Stage) -> float:
        """Return the seconds of all stages behind a row, whichever run computed them."""
        return sum(map(self._seconds_of, walk(stages)))

    def _seconds_of(self, stage: Stage) -> float:
        """Return the seconds of one stage; 0 if it is not stored, or not any more."""
        if stage.key not in self._seconds:
            if not stage.stored:
                return 0.0
            try:
                self._seconds[stage.key] = self.store.seconds(stage.kind, stage.key)
            except FileNotFoundError:
                return 0.0
        return self._seconds[stage.key]


def _in_order(value: Any) -> Any:
    """Return a JSON value with sorted keys, as stored ones are: computed or read, rows are alike."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return value
