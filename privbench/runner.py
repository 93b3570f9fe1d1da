"""Run a plan: compute what is not stored, tell the observers, and turn trials into rows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property

from privbench.components.faults import trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.computation import Computation, missing_stages
from privbench.config.device import resolve_device
from privbench.errors import StorageFailed
from privbench.executors.base import Executor
from privbench.executors.tasks import Limits
from privbench.executors.workers.crew import Crew
from privbench.executors.workers.forking import AVAILABLE, runs_in_process
from privbench.finishing import UnfinishedTrials
from privbench.forecast import TimeKeeper
from privbench.logs.run import RunLog
from privbench.memory import check_memory
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.privacy.verdict import with_verdicts
from privbench.run_tasks import RunTasks
from privbench.stages import Stage
from privbench.storage.artifacts import Store
from privbench.storage.environment import environment
from privbench.storage.results import Results, Row
from privbench.storage.times import Times
from privbench.trial import Trial
from privbench.trial_rows import TrialRows

WRITE_EVERY = 1.0
"""Seconds after which rows are written, if many trials are finished at once."""

WORKERS = 4
"""Workers for third-party code: one for each plugin, or set of plugins, that a stage runs together."""


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
    in_process: bool = field(default_factory=runs_in_process)
    """Whether third-party code runs in this process."""
    limits: Limits = field(default_factory=Limits)
    """What a task may take in a worker."""

    @cached_property
    def computation(self) -> Computation:
        """What computes the stages in this process."""
        computation = Computation(
            self.plan, self.host, self.store, self._times, self.device, self.failures
        )
        for stage in self._missing:
            computation.count(stage)
        return computation

    @cached_property
    def _trial_rows(self) -> TrialRows:
        return TrialRows(self.plan, self.store, self.failures)

    @cached_property
    def log(self) -> RunLog:
        """The log of the run."""
        return RunLog(self.results.path.parent, self.host, self.failures, self.command)

    def run(self) -> list[Row]:
        """Compute everything and return the rows: for records and each kind of canaries of a trial."""
        with self.log:
            return self._run()

    def _run(self) -> list[Row]:
        stages = self.needed
        if stages:
            self.device = resolve_device(self.device)
        if self.limits.memory is not None:
            check_memory(self.plan, self._missing, self.limits.memory)
        self.host.call("run_started", plan=self.plan, needed=stages)
        facts = environment(self.host.third_party, self.device, self.host.switched_off)
        benchmark = self.plan.benchmark
        run = self.results.start_run(
            benchmark.name, facts, self.plan.remark, benchmark.to_json(),
            command=self.command, n_trials=len(self.plan.trials),
        )  # fmt: skip
        self.log.begin(run, facts, benchmark.name)
        rows: list[Row] = []
        unfinished = UnfinishedTrials(self.plan.trials, self._is_done)

        def on_stored(stage: Stage) -> None:
            rows.extend(self._finish(run, unfinished.finished_by(stage)))

        rows.extend(self._finish(run, unfinished.finished()))
        self._execute(stages, on_stored, unfinished)
        rows.extend(self._finish(run, unfinished.rest()))  # whose stages the executor left out
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
        return [stage for stage in self._missing if stage.stored]

    @cached_property
    def _missing(self) -> list[Stage]:
        return missing_stages(self.plan, self.store)

    @cached_property
    def _times(self) -> TimeKeeper:
        return TimeKeeper(Times(self.results.path.parent))

    def _execute(
        self, stages: list[Stage], on_stored: Callable[[Stage], None], unfinished: UnfinishedTrials
    ) -> None:
        """Let the executor compute; the trials that it leaves out have failed."""
        reason, trace = f"executor {self.executor.name!r} left this trial out", ""
        try:
            with redirect_stdout(sys.stderr), self._crew() as crew:
                tasks = RunTasks(list(stages), self.computation, on_stored, self.limits, crew)
                self.executor.execute(tasks)
        except (StorageFailed, KeyboardInterrupt):
            raise
        except BaseException as error:  # third-party code; what is computed counts
            reason = f"executor {self.executor.name!r}: {error_text(error)}"
            trace = trace_of(error)
        finally:
            self._times.write()
        for trial in unfinished.waiting:
            for stage in trial.results:
                if not self.store.has(stage.kind, stage.key):
                    self.failures.setdefault(stage.key, NoResult("failed", reason, trace))

    def _is_done(self, stage: Stage) -> bool:
        return stage.key in self.failures or self.store.has(stage.kind, stage.key)

    @contextmanager
    def _crew(self) -> Iterator[Crew | None]:
        """Yield the worker for third-party code, which is started when there is work for it."""
        if self.in_process or not AVAILABLE:
            yield None
            return
        torch = sys.modules.get("torch")
        threads = None if torch is None else torch.get_num_threads()
        with Crew(WORKERS, self.limits, threads=threads) as crew:
            yield crew

    def _finish(self, run: int, trials: Iterable[tuple[int, Trial]]) -> list[Row]:
        """Store the rows of trials, given with their places in the plan, and return them.

        Rows are written together, yet none is kept for much longer than a second.
        """
        made: list[tuple[list[Row], str, int]] = []
        all_rows: list[Row] = []

        def write() -> None:
            batch = list(made)
            made.clear()
            if batch:
                self.results.add_trials(run, batch)
            for rows, _, _ in batch:
                all_rows.extend(rows)
                self.host.call("trial_finished", rows=rows)

        written = time.monotonic()
        try:
            for place, trial in trials:
                made.append((*self._trial_rows.of(trial), place))
                if time.monotonic() - written > WRITE_EVERY:
                    write()
                    written = time.monotonic()
        finally:
            write()
        return all_rows


def _trial_name(row: Row) -> str:
    parts = [str(row[k]) for k in ("dataset", "defense", "model", "attack", "knowledge")]
    return "/".join([*parts, f"seed={row['seed']}"])
