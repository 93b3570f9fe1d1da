"""The tasks of a run: which are ready, and what becomes of each."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from privbench import interrupt
from privbench.components.outcome import NoResult
from privbench.computation import Computation, StageFailed
from privbench.executors.tasks import Limits, Task, Tasks
from privbench.executors.work import RECORDS
from privbench.executors.workers.crew import Crew
from privbench.logs import replay
from privbench.stages import Stage
from privbench.storage.packed import unpack
from privbench.task_inputs import Reading
from privbench.task_nodes import TRIES, Node, plugins_of, worker_text

if TYPE_CHECKING:
    from privbench.storage.tensors import Content


@dataclass
class RunTasks(Tasks):
    """Turns the stages of a run into tasks, and keeps account of them."""

    stages: list[Stage]
    """The stages to compute and store, each after its inputs."""
    computation: Computation
    on_stored: Callable[[Stage], None] = lambda stage: None
    """Is called when a stage is stored or has failed."""
    limits: Limits = field(default_factory=Limits)
    crew: Crew | None = None
    """The worker that `run` lets compute what runs third-party code; None to compute it here."""

    def __post_init__(self) -> None:
        """Find out which task waits for which."""
        self.folder = self.computation.store.root.parent
        self.device = self.computation.device
        self._nodes: dict[str, Node] = {}
        self._ready: list[tuple[tuple[int, int], str]] = []
        self._started: dict[str, float] = {}
        self._unfinished: set[str] = set()
        self._running: set[str] = set()
        self._not_stored: set[str] = set()
        self._reading = Reading(self.stages, self.computation)
        for position, stage in enumerate(self.stages):
            self._add(stage, position)

    @property
    def unfinished(self) -> bool:
        """Whether some task is neither finished nor failed."""
        return bool(self._unfinished)

    def ready(self, limit: int | None = None) -> list[Task]:
        """Hand out tasks whose inputs are stored, in the order of the plan, each once.

        After Ctrl-C none is handed out any more, and when all that were are finished the run ends.
        """
        tasks: list[Task] = []
        if interrupt.is_asked():
            if not self._running:
                interrupt.check()
            return tasks
        while self._ready and (limit is None or len(tasks) < limit):
            _, key = heapq.heappop(self._ready)
            node = self._nodes[key]
            if key in self._unfinished and self._joins(node):
                self._compute_here(node)
            elif key in self._unfinished:
                self._running.add(key)
                tasks.append(self._task(node))
        return tasks

    def run(self, task: Task) -> None:
        """Compute a task here: in this process, or if it runs third-party code in its worker process."""
        node = self._nodes[task.key]
        if self.crew is not None and task.runs_plugins:
            self.crew.give(task, self)
            while self.crew.busy:
                self.crew.step(self)
            return
        self._compute_here(node)

    def read(self, name: str) -> bytes:
        """Return an input of a task."""
        return self._reading.read(name)

    def finish(self, task: Task, result: Content) -> None:
        """Take what `work` returned."""
        node = self._nodes[task.key]
        self._running.discard(task.key)
        try:
            artifact, facts = unpack(result)
            status, seconds = str(facts["status"]), float(facts["seconds"])
            self._log(node, facts.get("log"))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            return self.fail(task, f"its worker returned no result: {error}")
        if task.key not in self._unfinished:  # another part has failed; this one is kept
            if status == "ok" and node.part is not None:
                self.computation.take_part(node.stage, node.part, artifact, seconds)
            return
        if status == "missing":
            return self._compute_again(node, str(facts.get("name")))
        if status in ("failed", "skipped"):
            reason, trace = (worker_text(facts.get(name, "")) for name in ("reason", "traceback"))
            failure = NoResult("skipped" if status == "skipped" else "failed", reason, trace)
            self.computation.failures[node.stage.key] = failure
        elif node.part is not None:
            self.computation.take_part(node.stage, node.part, artifact, seconds)
        else:
            if status == "not stored":
                self._not_stored.add(node.stage.key)
            self.computation.take(node.stage, artifact, seconds)
        self._settle(node)

    def lost(self, task: Task, reason: str) -> None:
        """Take note that a task's worker has died."""
        node = self._nodes[task.key]
        node.deaths += 1
        self._running.discard(node.key)
        if node.deaths < TRIES:
            heapq.heappush(self._ready, (node.order, node.key))
        else:
            self.fail(task, reason)

    def fail(self, task: Task, reason: str, *, timeout: bool = False) -> None:
        """Record that a task has failed, or has exceeded its time, and is not to be tried again."""
        node = self._nodes[task.key]
        if node.key not in self._unfinished:
            return
        whose = "".join(f"{plugin}: " for plugin in plugins_of(node.stage))
        text = worker_text(f"{node.stage.kind}: {whose}{reason}")
        failure = NoResult("timeout" if timeout else "failed", text)
        self.computation.failures.setdefault(node.stage.key, failure)
        self._settle(node)

    def progress(self, task: Task, done: int, total: int) -> None:
        """Tell the observers how much of a task is computed."""
        node = self._nodes[task.key]
        if node.part is not None:
            count = node.stage.n_parts(self.device)
            done, total = self._parts_done(node.stage) * total + done, count * total
        if 0 <= done <= total and total > 0:
            host = self.computation.host
            host.call("stage_progress", stage=node.stage, done=done, total=total)

    def _log(self, node: Node, records: object) -> None:
        """Log the records of a worker, which may have sent anything."""
        for values in records[-RECORDS:] if isinstance(records, list) else ():
            if isinstance(values, dict):
                replay(values, stage=str(node.stage))

    def _compute_here(self, node: Node) -> None:
        try:
            if node.part is None:
                self.computation.compute(node.stage)
            else:
                self.computation.compute_part(node.stage, node.part)
        except StageFailed:
            pass  # it is recorded
        self._settle(node)

    def _add(self, stage: Stage, position: int) -> None:
        """Add the tasks of a stage, after those of its inputs."""
        waits_for = set()
        for one in self._reading.inputs(stage):
            if one.key not in self._unfinished and self._is_lacking(one):
                self._add(one, position)
                self.computation.count(one)
            if one.key in self._unfinished:
                waits_for.add(one.key)
        count = stage.n_parts(self.device)
        if count > 1:
            parts = self.computation.parts(stage)
            missing = [number for number in range(count) if not parts.has(number)]
            nodes = [Node((position, n), stage, n, set(waits_for)) for n in missing]
            for node in nodes:
                self._enter(node)
            waits_for = {node.key for node in nodes}
        self._enter(Node((position, count), stage, None, waits_for))

    def _is_lacking(self, stage: Stage) -> bool:
        """Return whether a stage has lost its artifact after it had been computed."""
        has = self.computation.store.has(stage.kind, stage.key)
        return stage.key in self._nodes and not has and stage.key not in self._not_stored

    def _enter(self, node: Node) -> None:
        self._nodes[node.key] = node
        self._unfinished.add(node.key)
        for key in node.waits_for:
            self._nodes[key].readers.append(node.key)
        if not node.waits_for:
            heapq.heappush(self._ready, (node.order, node.key))

    def _task(self, node: Node) -> Task:
        stage = node.stage
        self._start(stage)
        plugins = plugins_of(stage)
        return Task(
            key=node.key,
            title=str(stage),
            inputs=self._reading.names(stage),
            make_payload=lambda: self._reading.payload(node, bool(plugins)),
            wants_gpu=self.device != "cpu" and stage.kind in ("population", "fit"),
            runs_plugins=bool(plugins),
            source=", ".join(plugins) or "worker",
        )

    def _joins(self, node: Node) -> bool:
        """Return whether a task only joins the parts of a stage, which the main process does."""
        return node.part is None and node.stage.n_parts(self.device) > 1

    def _settle(self, node: Node) -> None:
        """Close a task that is finished or has failed, with what follows from it."""
        stage, failures = node.stage, self.computation.failures
        self._unfinished.discard(node.key)
        self._running.discard(node.key)
        if stage.key in failures:
            self._close_failed(stage)
            return
        if node.part is None:
            self._report(stage, "ok")
        for key in node.readers:
            reader = self._nodes[key]
            reader.waits_for.discard(node.key)
            if not reader.waits_for and key in self._unfinished:
                heapq.heappush(self._ready, (reader.order, key))

    def _close_failed(self, stage: Stage) -> None:
        """Close the tasks of a stage that has failed, and those of all stages that read it."""
        failures = self.computation.failures
        failure, waiting, closed = failures[stage.key], [stage], set[str]()
        while waiting:
            stage = waiting.pop()
            if stage.key in closed:
                continue
            closed.add(stage.key)
            count = stage.n_parts(self.device)
            self._unfinished.discard(stage.key)
            self._unfinished.difference_update(f"{stage.key}-{n}" for n in range(count))
            self.computation.fail(stage, failures.get(stage.key, failure))
            self._report(stage, failure.status)
            waiting += [self._nodes[key].stage for key in self._nodes[stage.key].readers]

    def _report(self, stage: Stage, status: str) -> None:
        """Tell the observers that a stage is finished."""
        start = self._start(stage)
        seconds = time.perf_counter() - start
        host = self.computation.host
        host.call("stage_finished", stage=stage, status=status, seconds=seconds)
        self.on_stored(stage)

    def _start(self, stage: Stage) -> float:
        """Return when a stage was started: now, if it was not."""
        if stage.key not in self._started:
            self._started[stage.key] = time.perf_counter()
            self.computation.host.call("stage_started", stage=stage)
        return self._started[stage.key]

    def _parts_done(self, stage: Stage) -> int:
        count = stage.n_parts(self.device)
        return sum(f"{stage.key}-{n}" not in self._unfinished for n in range(count))

    def _compute_again(self, node: Node, name: str) -> None:
        """Compute an input that is damaged, and then the task that could not read it."""
        kind, _, key = name.partition("/")
        stage = next((one for one in self._reading.inputs(node.stage) if one.key == key), None)
        if stage is None or key in node.unread:
            reason = f"its worker could not read {name}"
            return self.fail(Task(node.key, "", (), lambda: b""), reason)
        node.unread.add(key)
        self._running.discard(node.key)
        if key not in self._unfinished:  # else another task has found it damaged
            if self.computation.store.load(kind, key):  # and it has been computed meanwhile
                heapq.heappush(self._ready, (node.order, node.key))
                return
            self._add(stage, -1)
            self.computation.count(stage)
        node.waits_for.add(key)
        self._nodes[key].readers.append(node.key)
