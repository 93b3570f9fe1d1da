"""Run a plan: compute what is not stored, tell the observers, and turn trials into rows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property

from privbench.components.faults import trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.computation import Computation, StageFailed, needed
from privbench.config.device import resolve_device
from privbench.errors import StorageFailed
from privbench.executors.base import Executor
from privbench.forecast import TimeKeeper
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.privacy.verdict import with_verdicts
from privbench.stages import Stage
from privbench.storage.artifacts import Store
from privbench.storage.environment import environment
from privbench.storage.results import Results, Row
from privbench.storage.times import Times
from privbench.trial import Trial
from privbench.trial_rows import TrialRows


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

    @cached_property
    def computation(self) -> Computation:
        """What computes the stages in this process."""
        return Computation(
            self.plan, self.host, self.store, self._times, self.device, self.failures
        )

    @cached_property
    def _trial_rows(self) -> TrialRows:
        return TrialRows(self.plan, self.store, self.failures)

    def run(self) -> list[Row]:
        """Compute everything and return the rows: for records and each kind of canaries of a trial."""
        stages = self.needed
        if stages:
            self.device = resolve_device(self.device)
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
        self.results.finish_run(run, self._trial_rows.seconds(*results))
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
        except (StorageFailed, KeyboardInterrupt):
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
        rows, trace = self._trial_rows.of(trial)
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
            self.computation.compute(stage)
        except StageFailed as error:
            status = error.failure.status
        seconds = time.perf_counter() - start
        self.host.call("stage_finished", stage=stage, status=status, seconds=seconds)


def _trial_name(row: Row) -> str:
    parts = [str(row[k]) for k in ("dataset", "defense", "model", "attack", "knowledge")]
    return "/".join([*parts, f"seed={row['seed']}"])
