"""Run a plan: compute what is not stored, tell the observers, and turn trials into rows."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from privbench.components.faults import trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.config.device import resolve_device
from privbench.errors import Incompatible
from privbench.executors.base import Executor
from privbench.forecast import TimeKeeper
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.privacy.verdict import with_verdicts
from privbench.seeds import digest
from privbench.stages import Context, Stage, walk
from privbench.stages.query_cache import QueryCache
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.environment import environment
from privbench.storage.parts import Parts
from privbench.storage.results import COLUMNS, Results, Row
from privbench.storage.times import Times
from privbench.trial import Trial

TRIAL = (
    "benchmark", "dataset", "defense", "model", "attack", "observes", "knowledge", "seed"
)  # fmt: skip
"""The columns of a row that are attributes of its trial."""


class StageFailed(Exception):
    """A stage that is needed has no artifact."""

    def __init__(self, failure: NoResult) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def missing_stages(plan: Plan, store: Store) -> list[Stage]:
    """Return the stages that a run has to compute, inputs first.

    They are the results of the trials that are not stored, and all that these need and is not stored;
    stages that are never stored are among them.
    """
    missing: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.key in missing or (stage.stored and store.has(stage.kind, stage.key)):
            return
        for dependency in stage.inputs:
            visit(dependency)
        missing[stage.key] = stage

    for trial in plan.trials:
        for stage in trial.results:
            visit(stage)
    return list(missing.values())


def needed(plan: Plan, store: Store) -> list[Stage]:
    """Return those of the missing stages that will be stored: the work of a run, as it is shown."""
    return [stage for stage in missing_stages(plan, store) if stage.stored]


@dataclass
class Runner:
    """One run of one plan."""

    plan: Plan
    host: PluginHost
    store: Store
    results: Results
    executor: Executor
    device: str
    failures: dict[str, NoResult] = field(default_factory=dict)
    """Why stages have no artifact, by key."""
    command: str = ""
    """The command line that was typed; empty for a run from Python."""
    _memory: dict[str, Artifact] = field(default_factory=dict)
    """Artifacts in use; each is dropped when the last stage that reads it has been computed."""
    _query_cache: QueryCache = field(default_factory=QueryCache)
    _readers: Counter[str] = field(default_factory=Counter)
    """How many stages that are still to be computed read an artifact, by key."""
    _counted: set[str] = field(default_factory=set)
    """Keys of the stages that are counted as readers of their inputs."""

    def run(self) -> list[Row]:
        """Compute everything and return the rows: for records and each kind of canaries of a trial."""
        stages = self.needed
        if stages:
            self.device = resolve_device(self.device)
        for stage in missing_stages(self.plan, self.store):
            self._count_as_reader(stage)
        self.host.call("run_started", plan=self.plan, needed=stages)
        facts = environment(self.host.third_party, self.device)
        benchmark = self.plan.benchmark
        run = self.results.start_run(
            benchmark.name, facts, self.plan.remark, benchmark.to_json(),
            command=self.command, n_trials=len(self.plan.trials),
        )  # fmt: skip
        rows: list[Row] = []
        waiting = list(self.plan.trials)

        def finish_trials() -> None:
            for trial in [trial for trial in waiting if self._is_finished(trial)]:
                waiting.remove(trial)
                rows.extend(self._finish(run, trial))

        result_keys = {stage.key for trial in self.plan.trials for stage in trial.results}

        def compute(stage: Stage) -> None:
            self._compute_and_report(stage)
            if stage.key in result_keys:
                finish_trials()

        finish_trials()
        self._execute(stages, compute)
        for trial in waiting:  # whose stages the executor left out
            rows.extend(self._finish(run, trial))
        results = [stage for trial in self.plan.trials for stage in trial.results]
        self.results.finish_run(run, self._seconds(*results))
        rows = with_verdicts(rows)
        self.host.call("run_finished", rows=rows)
        order = {str(trial): position for position, trial in enumerate(self.plan.trials)}
        return sorted(rows, key=lambda row: order[_trial_name(row)])

    def tracebacks(self) -> list[str]:
        """Return the reason and traceback of everything that failed, each one once."""
        failed = [*self.failures.values(), *(trial.rejected for trial in self.plan.trials)]
        texts = [f"{f.reason}\n{f.traceback}" for f in failed if f is not None and f.traceback]
        return list(dict.fromkeys(texts))

    @cached_property
    def needed(self) -> list[Stage]:
        """The stages that this run has to compute and store, inputs first."""
        return needed(self.plan, self.store)

    @cached_property
    def _times(self) -> TimeKeeper:
        return TimeKeeper(Times(self.results.path.parent))

    def _execute(self, stages: list[Stage], compute: Callable[[Stage], None]) -> None:
        """Let the executor compute; the trials that it leaves out have failed."""
        reason, trace = f"executor {self.executor.name!r} left this trial out", ""
        try:
            with redirect_stdout(sys.stderr):
                self.executor.execute(list(stages), compute)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # third-party code; what is computed counts
            reason = f"executor {self.executor.name!r}: {error_text(error)}"
            trace = trace_of(error)
        finally:
            self._times.write()
        for trial in self.plan.trials:
            for stage in trial.results:
                if not self.store.has(stage.kind, stage.key):
                    self.failures.setdefault(stage.key, NoResult("failed", reason, trace))

    def _is_finished(self, trial: Trial) -> bool:
        return all(
            stage.key in self.failures or self.store.has(stage.kind, stage.key)
            for stage in trial.results
        )

    def _finish(self, run: int, trial: Trial) -> list[Row]:
        rows, trace = self._rows(trial)
        self.results.add(run, rows, trace, self.plan.trials.index(trial))
        self.host.call("trial_finished", rows=rows)
        return rows

    def _compute_and_report(self, stage: Stage) -> None:
        """Compute one stage for the executor, with the hooks around it."""
        if stage.key in self.failures or self.store.has(stage.kind, stage.key):
            return
        self.host.call("stage_started", stage=stage)
        start = time.perf_counter()
        status = "ok"
        try:
            self._compute(stage)
        except StageFailed as error:
            status = error.failure.status
        seconds = time.perf_counter() - start
        self.host.call("stage_finished", stage=stage, status=status, seconds=seconds)

    def _compute(self, stage: Stage) -> Artifact:
        """Compute and store a stage; record the failure, which all trials that need the stage share.

        Raises:
            StageFailed: with that reason.
        """
        try:
            artifact = self._computed(stage)
        except StageFailed as error:
            self.failures[stage.key] = error.failure
        except Incompatible as error:
            self.failures[stage.key] = NoResult("skipped", error_text(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # third-party code; the other trials go on
            reason = f"{stage.kind}: {error_text(error)}"
            self.failures[stage.key] = NoResult("failed", reason, trace_of(error))
        finally:
            self._counted.discard(stage.key)
            for dependency in stage.inputs:
                self._readers[dependency.key] -= 1
                if self._readers[dependency.key] <= 0:
                    self._memory.pop(dependency.key, None)
        if stage.key in self.failures:
            raise StageFailed(self.failures[stage.key])
        if self._readers[stage.key] > 0:
            self._memory[stage.key] = artifact
        return artifact

    def _computed(self, stage: Stage) -> Artifact:
        """Compute and store an artifact, with its seconds; those of stored inputs are not counted."""
        for dependency in stage.inputs:
            if dependency.stored:
                self._get(dependency)
        start = time.perf_counter()
        context = self._context(stage)
        artifact = stage.compute(context)
        if stage.stored and artifact.is_storable:
            seconds = time.perf_counter() - start + context.parts.seconds
            size = self.store.save(
                stage.kind, stage.key, artifact, seconds=seconds, provenance=stage.provenance
            )
            context.parts.delete()
            self._times.note(stage, self.device, seconds, size)
        return artifact

    def _context(self, stage: Stage) -> Context:
        return Context(
            get=self._get,
            data=self.plan.data.get,
            device=self.device,
            progress=lambda done, total: self.host.call(
                "stage_progress", stage=stage, done=done, total=total
            ),
            query_cache=self._query_cache,
            parts=Parts(self.store, stage.kind, stage.key, stage.provenance),
        )

    def _get(self, stage: Stage) -> Artifact:
        """Return the artifact of an input: from memory, from the store, or computed."""
        if stage.key in self.failures:
            raise StageFailed(self.failures[stage.key])
        if stage.key in self._memory:
            return self._memory[stage.key]
        artifact = self.store.load(stage.kind, stage.key) if stage.stored else None
        if artifact is None:
            if stage.key not in self._counted:  # it was stored and is damaged, or is needed again
                self._count_as_reader(stage)
            artifact = self._compute(stage)
        else:
            artifact = stage.loaded(artifact, self._context(stage))
        if self._readers[stage.key] > 0:
            self._memory[stage.key] = artifact
        return artifact

    def _count_as_reader(self, stage: Stage) -> None:
        """Count a stage that will be computed among the readers of its inputs."""
        self._counted.add(stage.key)
        self._readers.update(dependency.key for dependency in stage.inputs)

    def _rows(self, trial: Trial) -> tuple[list[Row], str]:
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
                row["utility_key"] = trial.utility.key
                row["metrics_key"] = metrics.key
                numbers = self.store.info("metrics", metrics.key)
                row |= utility | {name: numbers[name] for name in COLUMNS if name in numbers}
                row |= self.store.info("records", records.key)
                row |= self.store.info("audit", audit.key)
                row["queries"] = trial.queries
                row["warnings"] = self._warnings(trial, position)
                row["seconds"] = self._seconds(*stages)
            rows.append(row)
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

    def _seconds(self, *stages: Stage) -> float:
        """Return the seconds of all stages behind a row, whichever run computed them."""
        return sum(
            self.store.seconds(stage.kind, stage.key)
            for stage in walk(stages)
            if stage.stored and self.store.has(stage.kind, stage.key)
        )


def _trial_name(row: Row) -> str:
    parts = [str(row[k]) for k in ("dataset", "defense", "model", "attack", "knowledge")]
    return "/".join([*parts, f"seed={row['seed']}"])
