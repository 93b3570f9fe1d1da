"""Compute stages in this process, and keep artifacts in memory as long as a stage will read them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from privbench.components.faults import trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.errors import Incompatible, StorageFailed
from privbench.forecast import TimeKeeper
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.stages import Context, Stage
from privbench.stages.query_cache import QueryCache
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.parts import Parts


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
class Computation:
    """The stages of one plan that are computed, and what became of them."""

    plan: Plan
    host: PluginHost
    store: Store
    times: TimeKeeper
    device: str
    failures: dict[str, NoResult] = field(default_factory=dict)
    """Why stages have no artifact, by key."""
    _memory: dict[str, Artifact] = field(default_factory=dict)
    """Artifacts in use; each is dropped when the last stage that reads it has been computed."""
    _query_cache: QueryCache = field(default_factory=QueryCache)
    _readers: Counter[str] = field(default_factory=Counter)
    """How many stages that are still to be computed read an artifact, by key."""
    _counted: set[str] = field(default_factory=set)
    """Keys of the stages that are counted as readers of their inputs."""

    def __post_init__(self) -> None:
        for stage in missing_stages(self.plan, self.store):
            self._count_as_reader(stage)

    def compute(self, stage: Stage) -> Artifact:
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
        except (StorageFailed, KeyboardInterrupt):
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
            self.times.note(stage, self.device, seconds, size)
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
            artifact = self.compute(stage)
        else:
            artifact = stage.loaded(artifact, self._context(stage))
        if self._readers[stage.key] > 0:
            self._memory[stage.key] = artifact
        return artifact

    def _count_as_reader(self, stage: Stage) -> None:
        """Count a stage that will be computed among the readers of its inputs."""
        self._counted.add(stage.key)
        self._readers.update(dependency.key for dependency in stage.inputs)
