"""Compute stages in this process, and keep artifacts in memory as long as a stage will read them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from privbench.components.faults import trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.errors import Incompatible, StorageFailed
from privbench.forecast import TimeKeeper
from privbench.logs import about
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.stages import Context, Stage
from privbench.stages.query_cache import QueryCache
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.parts import Parts
from privbench.storage.scratch import empty_in


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
    present: set[str] = set()

    def visit(stage: Stage) -> None:
        if stage.key in missing or stage.key in present:
            return
        if stage.stored and store.has(stage.kind, stage.key):
            present.add(stage.key)
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
class Computation:
    """The stages of one plan that are computed, and what became of them.

    Whoever makes it counts the missing stages (`count`), so that what they read is kept in memory.
    """

    plan: Plan
    host: PluginHost
    store: Store
    times: TimeKeeper
    device: str
    failures: dict[str, NoResult] = field(default_factory=dict)
    """Why stages have no artifact, by key."""
    _memory: dict[str, Artifact] = field(default_factory=dict)
    """Artifacts in use; each is dropped when the last stage that reads it has been computed."""
    _live: dict[str, Any] = field(default_factory=dict)
    """Objects in memory that parts of a stage share; dropped with the stage's artifact."""
    _query_cache: QueryCache = field(default_factory=QueryCache)
    _readers: Counter[str] = field(default_factory=Counter)
    """How many stages that are still to be computed read an artifact, by key."""
    _counted: set[str] = field(default_factory=set)
    """Keys of the stages that are counted as readers of their inputs."""

    def compute(self, stage: Stage) -> Artifact:
        """Compute and store a stage; record the failure, which all trials that need the stage share.

        Raises:
            StageFailed: with that reason.
        """
        artifact = None
        try:
            with self._failing(stage):
                artifact = self._computed(stage)
        finally:
            self._finished(stage)
        if artifact is None:
            raise StageFailed(self.failures[stage.key])
        if self._readers[stage.key] > 0:
            self._memory[stage.key] = artifact
        return artifact

    def compute_part(self, stage: Stage, number: int) -> None:
        """Compute and store one part of a stage; record the failure, which is that of the stage."""
        with self._failing(stage):
            start = time.perf_counter()
            context = self._context(stage)
            part = stage.compute_part(context, number, stage.n_parts(self.device))
            context.parts.save(number, part, time.perf_counter() - start)

    def take_part(self, stage: Stage, number: int, part: Artifact, seconds: float) -> None:
        """Store a part that another process has computed."""
        self.parts(stage).save(number, part, seconds)

    def take(self, stage: Stage, artifact: Artifact, seconds: float) -> None:
        """Store an artifact that another process has computed; without arrays or facts nothing."""
        if stage.stored and (artifact.arrays or artifact.info):
            self._store(stage, artifact, seconds)
        self._finished(stage)

    def fail(self, stage: Stage, failure: NoResult) -> None:
        """Record why a stage has no artifact."""
        self.failures[stage.key] = failure
        self._finished(stage)

    def parts(self, stage: Stage) -> Parts:
        """Return the parts of a stage that are stored."""
        count = stage.n_parts(self.device)
        return Parts(self.store, stage.kind, stage.key, stage.provenance, count)

    @contextmanager
    def _failing(self, stage: Stage) -> Iterator[None]:
        """Record what is raised as the failure of a stage."""
        try:
            yield
        except StageFailed as error:
            self.failures[stage.key] = error.failure
        except Incompatible as error:
            self.failures[stage.key] = NoResult("skipped", error_text(error))
        except (StorageFailed, KeyboardInterrupt):
            raise
        except BaseException as error:  # third-party code; the other trials go on
            reason = f"{stage.kind}: {error_text(error)}"
            self.failures[stage.key] = NoResult("failed", reason, trace_of(error))

    def _finished(self, stage: Stage) -> None:
        """Drop what no stage will read any more, now that a stage has been computed or has failed."""
        if stage.key not in self._counted:
            return
        self._counted.remove(stage.key)
        for dependency in stage.inputs:
            self._readers[dependency.key] -= 1
            if self._readers[dependency.key] <= 0:
                self._memory.pop(dependency.key, None)
                self._live.pop(dependency.key, None)
                if not dependency.stored:  # nobody may have asked for it here
                    self._finished(dependency)

    def _computed(self, stage: Stage) -> Artifact:
        """Compute and store an artifact, with its seconds; those of stored inputs are not counted."""
        for dependency in stage.inputs:
            if dependency.stored:
                self._get(dependency)
        start = time.perf_counter()
        context = self._context(stage)
        with about(stage=str(stage)):
            artifact = stage.compute(context)
        if stage.stored and artifact.is_storable:
            seconds = time.perf_counter() - start + context.parts.seconds
            self._store(stage, artifact, seconds)
            context.parts.delete()
            artifact = self.store.in_files(stage.kind, stage.key, artifact)
        return artifact

    def _store(self, stage: Stage, artifact: Artifact, seconds: float) -> None:
        size = self.store.save(
            stage.kind, stage.key, artifact, seconds=seconds, provenance=stage.provenance
        )
        self.times.note(stage, self.device, seconds, size)

    def _context(self, stage: Stage) -> Context:
        return Context(
            get=self._get,
            data=self.plan.data.get,
            device=self.device,
            progress=lambda done, total: self.host.call(
                "stage_progress", stage=stage, done=done, total=total
            ),
            query_cache=self._query_cache,
            parts=self.parts(stage),
            live=self._live,
            empty=empty_in(self.store.folder),
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
                self.count(stage)
            artifact = self.compute(stage)
        else:
            artifact = stage.loaded(artifact, self._context(stage))
        if self._readers[stage.key] > 0:
            self._memory[stage.key] = artifact
        return artifact

    def count(self, stage: Stage) -> None:
        """Count a stage that will be computed among the readers of its inputs."""
        if stage.key in self._counted:
            return
        self._counted.add(stage.key)
        self._readers.update(dependency.key for dependency in stage.inputs)
