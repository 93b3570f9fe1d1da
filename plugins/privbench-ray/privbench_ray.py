"""An executor of privbench that computes tasks on a Ray cluster, on this machine or on many.

The main process plans, hands out tasks and stores what comes back. Workers compute, and need neither the
results folder nor the data: they get the bytes of what a task reads. A task whose worker or host dies is
computed again elsewhere.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field

from privbench import BadInput, Executor, hookimpl, work

if TYPE_CHECKING:
    from ray import ObjectRef

    from privbench import Task, Tasks

LOOK_SECONDS = 0.5
"""How often it is asked how far tasks are and which hosts are alive."""
AHEAD = 2
"""How many tasks are handed out for each task that the cluster can compute at once."""
KEPT = 64
"""How many inputs of tasks stay in the object store, the last ones that were used."""


class RayExecutor(Executor):
    """Computes tasks on a Ray cluster: one of its own on this machine, or one that runs already.

    A worker reads artifacts from the results folder if it is shared, or else gets their bytes through
    Ray's object store or a bucket.
    """

    name = "ray"
    paper = "Moritz et al. 2018, arXiv 1712.05889"

    address: str = Field(
        "",
        description="cluster to use, such as 10.0.0.1:6379, or auto for the one of this machine; empty"
        " starts one on this machine, which ends with the run",
    )
    num_cpus: int | None = Field(
        None, ge=1, description="cores of the cluster that it starts; default all"
    )
    cpus_per_task: float = Field(1.0, gt=0, description="cores, and so threads, that a task gets")
    gpus_per_task: float = Field(
        1.0, gt=0, description="GPUs, or a share of one, for a task that trains on a GPU"
    )
    artifacts: str = Field(
        "",
        pattern=r"^(|shared|objects|[a-z][a-z0-9+.-]*://.*)$",
        description="how artifacts reach workers. shared: the results folder, which all hosts see at"
        " the same path; objects: Ray's object store; or an fsspec URL, such as s3://bucket/folder."
        " Empty: shared for a cluster that it starts, else objects",
    )

    def execute(self, tasks: Tasks) -> None:
        """Compute all tasks on the cluster.

        Raises:
            BadInput: there is no cluster at the address.
        """
        with self._cluster():
            _Run(self, tasks).run()

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        """Connect to the cluster, or start one; one that this process uses already is left alone."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if ray.is_initialized():
            yield
            return
        where = {"address": self.address} if self.address else {"num_cpus": self.num_cpus}
        host, _, port = self.address.rpartition(":")
        try:
            if host and port.isdigit() and "//" not in host:  # Ray itself tries for minutes
                socket.create_connection((host.strip("[]"), int(port)), timeout=10.0).close()
            handler = signal.getsignal(signal.SIGTERM)
            dashboard = None if self.address else False
            ray.init(**where, include_dashboard=dashboard, logging_level="WARNING")
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)  # Ray has replaced it
        except (OSError, OverflowError, ValueError) as error:
            raise BadInput(f"no cluster at {self.address!r}: {error}") from error
        try:
            yield
        finally:
            ray.shutdown()


class _Run:
    """The tasks of one run that are handed out, and the inputs that workers may need."""

    def __init__(self, executor: RayExecutor, tasks: Tasks) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.executor, self.tasks = executor, tasks
        way = executor.artifacts or ("objects" if executor.address else "shared")
        self.store = str(tasks.folder.resolve()) if way == "shared" else None
        self.url = way if "://" in way else ""
        self.running: dict[ObjectRef, tuple[int, Task]] = {}
        self.hosts: dict[int, tuple[str, float]] = {}  # where and since when each attempt runs
        self.attempts = 0
        self.send = lru_cache(None if self.url else KEPT)(self._send)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.compute = ray.remote(max_retries=0)(_compute)
        self.reports = ray.remote(_Reports).options(num_cpus=0, scheduling_strategy=here).remote()
        self._count_resources()

    def run(self) -> None:
        import ray

        next_look = 0.0
        try:
            while self.tasks.unfinished:
                self._hand_out()
                if self.running:
                    done, _ = ray.wait(list(self.running), timeout=LOOK_SECONDS)
                    for ref in done:
                        self._take(ref)
                if time.monotonic() > next_look:
                    self._show_progress()
                    self._count_resources()
                    self._give_up()
                    next_look = time.monotonic() + LOOK_SECONDS
        finally:
            for ref in self.running:
                ray.cancel(ref, force=True)

    def _hand_out(self) -> None:
        """Submit tasks until enough of them wait for a worker."""
        limit = AHEAD * self.n_at_once - len(self.running)
        for task in self.tasks.ready(limit) if limit > 0 else []:
            # No store has datasets.
            names = [n for n in task.inputs if self.store is None or n.startswith("data/")]
            inputs: dict[str, ObjectRef | None] = {}
            try:
                payload = task.payload
                for name in names:
                    with suppress(FileNotFoundError):  # the worker reports that it is missing
                        inputs[name] = self.send(name)
            except Exception as error:  # parameters of a plugin's component that cannot be pickled
                self.tasks.fail(task, f"it cannot be sent to a worker: {error}")
                continue
            self.attempts += 1
            ref = self.compute.options(**self._resources(task)).remote(
                payload, self.store, self.url, list(inputs), self.reports, self.attempts,
                *inputs.values(),
            )  # fmt: skip
            self.running[ref] = self.attempts, task

    def _send(self, name: str) -> ObjectRef | None:
        """Return an input in the object store, or None after it was uploaded."""
        import ray

        content = self.tasks.read(name)
        return _upload(self.url, name, content) if self.url else ray.put(content)

    def _resources(self, task: Task) -> dict[str, Any]:
        """Return what Ray reserves for a task, and which worker processes may compute it."""
        needed: dict[str, Any] = {"num_cpus": self.executor.cpus_per_task}
        if task.runs_plugins:  # a process that has run a plugin is used for that one only
            environment = {"PRIVBENCH_RUNS": task.source.encode().hex()}
            needed["runtime_env"] = {"env_vars": environment}
        if task.wants_gpu and self.n_gpus:
            needed["num_gpus"] = self.executor.gpus_per_task
        if memory := self.tasks.limits.memory:
            # Ray never starts a task that needs more than any host has.
            needed["memory"] = min(memory, self.largest_memory)
        return needed

    def _count_resources(self) -> None:
        import ray

        resources = ray.cluster_resources()
        self.n_gpus = resources.get("GPU", 0.0)
        self.n_at_once = max(1, int(resources.get("CPU", 0.0) // self.executor.cpus_per_task))
        nodes = [node for node in ray.nodes() if node["Alive"]]
        self.alive = {node["NodeID"] for node in nodes}
        self.largest_memory = max(node["Resources"].get("memory", 0.0) for node in nodes)

    def _take(self, ref: ObjectRef) -> None:
        """Hand a result over, or say why there is none."""
        import ray
        from ray.exceptions import RayError, RayTaskError, RuntimeEnvSetupError

        attempt, task = self.running.pop(ref)
        self.hosts.pop(attempt, None)
        try:
            result = ray.get(ref)
        except (RayTaskError, RuntimeEnvSetupError) as error:  # privbench is missing there, say
            self.tasks.fail(task, f"on the Ray cluster: {error}")
        except RayError as error:  # the worker or its host died, or was out of memory
            self.tasks.lost(task, f"{type(error).__name__}: {str(error).splitlines()[0]}")
        else:
            self.tasks.finish(task, result)

    def _show_progress(self) -> None:
        import ray

        tasks = dict(self.running.values())
        for attempt, (host, done, total) in ray.get(self.reports.take.remote()).items():
            if attempt in tasks:
                self.hosts.setdefault(attempt, (host, time.monotonic()))
                if total:
                    self.tasks.progress(tasks[attempt], done, total)

    def _give_up(self) -> None:
        """Take tasks back from hosts that are dead or cut off, and give up those that take too long.

        Ray itself notices after 7 minutes that a task's host does not answer any more.
        """
        import ray

        limit, now = self.tasks.limits.seconds, time.monotonic()
        for ref, (attempt, task) in list(self.running.items()):
            host, start = self.hosts.get(attempt, (None, now))
            is_late = limit is not None and now - start > limit
            if is_late or (host is not None and host not in self.alive):
                del self.running[ref], self.hosts[attempt]
                ray.cancel(ref, force=True)
                if is_late:
                    reason = f"it took longer than {limit:g} s (--timeout)"
                    self.tasks.fail(task, reason, timeout=True)
                else:
                    self.tasks.lost(task, "its host died or was cut off")


class _Reports:
    """Where workers say on which host a task runs, and how far it is; an actor beside the driver."""

    def __init__(self) -> None:
        self._latest: dict[int, tuple[str, int, int]] = {}

    def put(self, attempt: int, host: str, done: int, total: int) -> None:
        self._latest[attempt] = host, done, total

    def take(self) -> dict[int, tuple[str, int, int]]:
        latest, self._latest = self._latest, {}
        return latest


def _compute(
    payload: bytes, store: str | None, url: str, names: list[str], reports: Any, attempt: int,
    *values: bytes | None,
) -> bytes:  # fmt: skip
    """Compute one task in a worker of Ray."""
    import ray

    host, last = ray.get_runtime_context().get_node_id(), 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > LOOK_SECONDS:
            last = time.monotonic()
            reports.put.remote(attempt, host, done, total)

    report(0, 0)
    inputs = {
        name: _download(url, name) if value is None else value
        for name, value in zip(names, values, strict=True)
    }
    return work(payload, store=store, inputs=inputs, report=report)


def _upload(url: str, name: str, content: bytes) -> None:
    import fsspec

    files, root = fsspec.core.url_to_fs(url)
    files.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
    files.pipe_file(f"{root}/{name}", content)


@lru_cache(maxsize=16)
def _download(url: str, name: str) -> bytes:
    import fsspec

    files, root = fsspec.core.url_to_fs(url)
    return bytes(files.cat_file(f"{root}/{name}"))


@hookimpl
def register_executors(register: Callable[[type[Executor]], None]) -> None:
    """Register the executor."""
    register(RayExecutor)
