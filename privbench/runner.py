"""Runs a plan: computes what is not stored, tells the observers, and turns trials into rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from privbench.components.faults import error_text, trace_of
from privbench.config.device import resolve_device
from privbench.errors import Incompatible
from privbench.executors.base import Executor
from privbench.plan import Plan, Trial
from privbench.plugins.host import PluginHost
from privbench.seeds import digest
from privbench.stages import Context, Stage, walk
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.environment import environment
from privbench.storage.results import COLUMNS, Results, Row

TRIAL = (
    "benchmark", "dataset", "defense", "model", "attack", "observes", "knowledge", "seed"
)  # fmt: skip
"""What a row has of its trial."""


@dataclass(frozen=True)
class StageFailure:
    """Why a stage has no artifact: it ``failed``, or is ``skipped`` as it makes no sense."""

    status: str
    reason: str
    traceback: str = ""


class StageFailed(Exception):
    """An input of a stage has no artifact."""

    def __init__(self, failure: StageFailure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def needed(plan: Plan, store: Store) -> list[Stage]:
    """The stages that a run will compute: what the trials miss and, of it, what is not stored."""
    found: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        if stage.key in found or (stage.stored and store.has(stage.kind, stage.key)):
            return
        for one in stage.inputs:
            visit(one)
        found[stage.key] = stage

    for stage in plan.stages:
        if stage.kind in ("metrics", "utility"):
            visit(stage)
    return [stage for stage in found.values() if stage.stored]


@dataclass
class Runner:
    """One run of one plan. Artifacts that are in use are kept in memory until the last one read them."""

    plan: Plan
    host: PluginHost
    store: Store
    results: Results
    executor: Executor
    device: str
    failures: dict[str, StageFailure] = field(default_factory=dict)
    _memory: dict[str, Artifact] = field(default_factory=dict)
    _readers: Counter[str] = field(default_factory=Counter)

    def run(self) -> list[Row]:
        """Compute everything and return the rows, one for each trial and subset."""
        stages = self.needed
        if stages:
            self.device = resolve_device(self.device)
        self._readers.update(one.key for stage in stages for one in stage.inputs)
        self.host.call("run_started", plan=self.plan, needed=stages)
        facts = environment(self.host.third_party, self.device)
        run = self.results.start_run(self.plan.benchmark.name, facts, self.plan.remark)
        rows: list[Row] = []
        waiting = list(self.plan.trials)

        def finish_trials() -> None:
            for trial in [trial for trial in waiting if self._is_finished(trial)]:
                waiting.remove(trial)
                rows.extend(self._finish(run, trial))

        def compute(stage: Stage) -> None:
            self._compute_guarded(stage)
            if stage.kind in ("metrics", "utility"):
                finish_trials()

        finish_trials()
        self._execute(stages, compute)
        for trial in waiting:  # whose stages the executor left out
            rows.extend(self._finish(run, trial))
        self.results.finish_run(run)
        self.host.call("run_finished", rows=rows)
        order = {str(trial): position for position, trial in enumerate(self.plan.trials)}
        return sorted(rows, key=lambda row: order[_trial_name(row)])

    def tracebacks(self) -> list[str]:
        """Of everything that failed, with its reason, each one once."""
        failed = [*self.failures.values(), *(one.rejected for one in self.plan.trials)]
        texts = [f"{one.reason}\n{one.traceback}" for one in failed if one and one.traceback]
        return list(dict.fromkeys(texts))

    @cached_property
    def needed(self) -> list[Stage]:
        """What this run has to compute, inputs first."""
        return needed(self.plan, self.store)

    def _execute(self, stages: list[Stage], compute: Callable[[Stage], None]) -> None:
        """Let the executor compute; the trials that it leaves out have failed."""
        reason, trace = f"executor {self.executor.name!r} left this trial out", ""
        try:
            self.executor.execute(stages, compute)
        except Exception as error:  # third-party code; what is computed counts
            reason = f"executor {self.executor.name!r}: {error_text(error)}"
            trace = trace_of(error)
        for stage in stages:
            if stage.kind in ("metrics", "utility") and not self.store.has(stage.kind, stage.key):
                self.failures.setdefault(stage.key, StageFailure("failed", reason, trace))

    def _is_finished(self, trial: Trial) -> bool:
        return trial.rejected is not None or all(
            stage.key in self.failures or self.store.has(stage.kind, stage.key)
            for stage in _results_of(trial)
        )

    def _finish(self, run: int, trial: Trial) -> list[Row]:
        rows, trace = self._rows(trial)
        self.results.add(run, rows, trace, self.plan.trials.index(trial))
        self.host.call("trial_finished", rows=rows)
        return rows

    def _compute_guarded(self, stage: Stage) -> None:
        """Compute one stage; whatever it raises becomes the failure of the trials that need it."""
        if stage.key in self.failures or self.store.has(stage.kind, stage.key):
            return
        self.host.call("stage_started", stage=stage)
        start = time.perf_counter()
        try:
            self._compute(stage)
        except StageFailed as error:
            self.failures[stage.key] = error.failure
        except Incompatible as error:
            self.failures[stage.key] = StageFailure("skipped", str(error))
        except (Exception, SystemExit) as error:  # third-party code; the other trials go on
            reason = f"{stage.kind}: {error_text(error)}"
            self.failures[stage.key] = StageFailure("failed", reason, trace_of(error))
        seconds = time.perf_counter() - start
        status = self.failures[stage.key].status if stage.key in self.failures else "ok"
        self.host.call("stage_finished", stage=stage, status=status, seconds=seconds)
        self._release(stage)

    def _compute(self, stage: Stage) -> Artifact:
        """Compute and store; the time of inputs that are stored on their own does not count."""
        for one in stage.inputs:
            if one.stored:
                self._get(one)
        start = time.perf_counter()
        context = Context(
            get=self._get,
            data=self.plan.data.get,
            device=self.device,
            progress=lambda done, total: self.host.call(
                "stage_progress", stage=stage, done=done, total=total
            ),
        )
        artifact = stage.compute(context)
        self._memory[stage.key] = artifact
        if stage.stored and artifact.live is None:
            seconds = time.perf_counter() - start
            self.store.save(
                stage.kind, stage.key, artifact, seconds=seconds, provenance=stage.provenance
            )
        return artifact

    def _get(self, stage: Stage) -> Artifact:
        """From memory, from the store, or computed: the artifact of an input."""
        if stage.key in self.failures:
            raise StageFailed(self.failures[stage.key])
        if stage.key in self._memory:
            return self._memory[stage.key]
        artifact = self.store.load(stage.kind, stage.key) if stage.stored else None
        if artifact is None:
            return self._compute(stage)
        self._memory[stage.key] = artifact
        return artifact

    def _release(self, stage: Stage) -> None:
        for one in stage.inputs:
            self._readers[one.key] -= 1
            if self._readers[one.key] <= 0:
                self._memory.pop(one.key, None)
        if self._readers[stage.key] <= 0:
            self._memory.pop(stage.key, None)

    def _rows(self, trial: Trial) -> tuple[list[Row], str]:
        """The rows of a trial, and the traceback if it failed."""
        base: Row = dict.fromkeys(COLUMNS)
        for name in TRIAL:
            base[name] = getattr(trial, name)
        base |= {"status": "ok", "reason": "", "n_models": self.plan.benchmark.population}
        if trial.rejected is not None:
            base |= {"status": trial.rejected.status, "reason": trial.rejected.reason, "key": ""}
            rows = [base | {"subset": subset} for subset in trial.subsets]
            return rows, trial.rejected.traceback
        return self._computed_rows(trial, base)

    def _computed_rows(self, trial: Trial, base: Row) -> tuple[list[Row], str]:
        assert trial.utility is not None
        rows, trace = [], ""
        for subset, metrics in zip(trial.subsets, trial.metrics, strict=True):
            stages = (trial.utility, metrics)
            row = base | {"subset": subset, "key": digest([stage.key for stage in stages])}
            failure = next((self.failures[s.key] for s in stages if s.key in self.failures), None)
            if failure is not None:
                row |= {"status": failure.status, "reason": failure.reason}
                trace = failure.traceback
            else:
                utility = self.store.info("utility", trial.utility.key)
                row["reason"] = utility.pop("guarantee_reason")
                row |= utility | self.store.info("metrics", metrics.key)
                row["seconds"] = self._seconds(*stages)
            rows.append(row)
        return rows, trace

    def _seconds(self, *stages: Stage) -> float:
        """What all the stages behind a row took when they were computed, in this run or another."""
        return sum(
            self.store.seconds(stage.kind, stage.key)
            for stage in walk(stages)
            if stage.stored and self.store.has(stage.kind, stage.key)
        )


def _results_of(trial: Trial) -> Iterator[Stage]:
    assert trial.utility is not None
    yield trial.utility
    yield from trial.metrics


def _trial_name(row: Row) -> str:
    parts: list[Any] = [row[k] for k in ("dataset", "defense", "model", "attack", "knowledge")]
    return "/".join([*parts, f"seed={row['seed']}"])
