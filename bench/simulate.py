"""Work out how a large benchmark scales over many workers, from measured tasks: docs/scaling.md.

    python bench/simulate.py [--tasks results/bench/cluster.json] [--json FILE]

A discrete-event simulation of list scheduling. One main process hands out tasks whose inputs are
stored, in the order of the plan, AHEAD of them for each worker. It sends inputs, takes results and
stores them, one after another. Workers compute tasks: those that train need a GPU, the others a core.
Populations are divided into parts of 64 models, which are tasks of their own and are joined by the
main process.

Measured are the seconds and bytes of each stage (bench/cluster_tasks.py) and what the main process
does for a task (bench/ray_hosts.py). Assumed are the bandwidths, and the times as fast a GPU is as the
core on which stages were measured.
"""

from __future__ import annotations

import argparse
import heapq
import json
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "results" / "bench"
ON_GPU = frozenset({"population", "fit", "outputs", "defended-outputs", "output-traits"})
IN_PARTS = "population"
MEASURED, PART = 16, 64
"""Models in a population that was measured, and in a part of one on a GPU."""
AHEAD = 2


@dataclass(frozen=True)
class Task:
    """A stage, or a part of a population; its inputs are positions of tasks before it."""

    kind: str
    seconds: float
    bytes: float
    inputs: tuple[int, ...] = ()
    resource: str = "core"
    """``gpu``, ``core``, or ``main`` if the main process does it."""


@dataclass(frozen=True)
class Cluster:
    """How many workers there are, and what it costs to use them."""

    workers: dict[str, int]
    """How many there are of each resource."""
    cores: float = float("inf")
    """Cores of the machine that runs all workers, if it is one: what runs at once shares them."""
    start: float = 0.0
    """Seconds before the first task: imports, planning."""
    worker_start: float = 0.0
    """Seconds of a worker before its first task: imports."""
    hand_out: float = 0.0
    """Seconds of the main process for a task that it hands out."""
    take: float = 0.0
    """Seconds of the main process for a result that it takes."""
    send_bytes: float = float("inf")
    """Bytes a second that the main process sends and receives; infinite with a shared folder."""
    store_bytes: float = float("inf")
    """Bytes a second that the main process checks and writes."""


@dataclass
class Outcome:
    """How a run went."""

    seconds: float = 0.0
    main_busy: float = 0.0
    busy: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds of work by resource."""


class Simulation:
    """One run of tasks on a cluster."""

    def __init__(
        self, tasks: Sequence[Task], cluster: Cluster, order: Sequence[float] = ()
    ) -> None:
        self.tasks, self.cluster = tasks, cluster
        self.order = order or range(len(tasks))
        self.waits = [len(set(task.inputs)) for task in tasks]
        self.readers: list[list[int]] = [[] for _ in tasks]
        for number, task in enumerate(tasks):
            for one in set(task.inputs):
                self.readers[one].append(number)
        self.ready: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self.queues: dict[str, deque[int]] = defaultdict(deque)
        self.idle = dict(cluster.workers)
        self.not_started = dict(cluster.workers)
        self.room = {name: AHEAD * count for name, count in cluster.workers.items()}
        self.now, self.main_free = 0.0, cluster.start
        self.work = 0.0  # seconds of work that each task which ran all the time has got
        self.running: list[tuple[float, int]] = []  # by `work` at their end
        self.events: list[tuple[float, int, str, int]] = []  # of the main process
        self.n_events = 0
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Return how long it takes."""
        for number, waits in enumerate(self.waits):
            if not waits:
                self._make_ready(number)
        self._hand_out()
        while self.events or self.running:
            self._advance()
        assert not any(self.ready.values()), "a task was never handed out"
        self.outcome.seconds = max(self.now, self.main_free)
        return self.outcome

    def _advance(self) -> None:
        """Go to the next event."""
        rate = min(1.0, self.cluster.cores / len(self.running)) if self.running else 1.0
        end = float("inf")
        if self.running:
            end = self.now + (self.running[0][0] - self.work) / rate
        if self.events and self.events[0][0] <= end:
            at, _, what, number = heapq.heappop(self.events)
            self.work += max(at - self.now, 0.0) * rate
            self.now = max(at, self.now)
            self._arrive(number) if what == "arrive" else self._close(number)
        else:
            self.work, self.now = self.running[0][0], end
            _, number = heapq.heappop(self.running)
            self._end(number)

    def _make_ready(self, number: int) -> None:
        resource = self.tasks[number].resource
        heapq.heappush(self.ready[resource], (self.order[number], number))

    def _hand_out(self) -> None:
        """Let the main process hand out what there is room for."""
        while self.ready["main"]:
            _, number = heapq.heappop(self.ready["main"])
            seconds = self.cluster.take + self.tasks[number].bytes / self.cluster.store_bytes
            self._main(seconds, "close", number)
        for resource, room in self.room.items():
            while room and self.ready[resource]:
                _, number = heapq.heappop(self.ready[resource])
                sent = sum(self.tasks[one].bytes for one in self.tasks[number].inputs)
                self._main(self.cluster.hand_out + sent / self.cluster.send_bytes, "arrive", number)
                room -= 1
            self.room[resource] = room

    def _arrive(self, number: int) -> None:
        self.queues[self.tasks[number].resource].append(number)
        self._start(self.tasks[number].resource)

    def _start(self, resource: str) -> None:
        while self.idle[resource] and self.queues[resource]:
            number = self.queues[resource].popleft()
            self.idle[resource] -= 1
            seconds = self.tasks[number].seconds
            if self.not_started[resource]:
                self.not_started[resource] -= 1
                seconds += self.cluster.worker_start
            heapq.heappush(self.running, (self.work + seconds, number))

    def _end(self, number: int) -> None:
        task = self.tasks[number]
        self.outcome.busy[task.resource] += task.seconds
        self.idle[task.resource] += 1
        self.room[task.resource] += 1
        self._start(task.resource)
        received = task.bytes / self.cluster.send_bytes + task.bytes / self.cluster.store_bytes
        self._main(self.cluster.take + received, "close", number)

    def _close(self, number: int) -> None:
        """Take note that the artifact of a task is stored."""
        for reader in self.readers[number]:
            self.waits[reader] -= 1
            if not self.waits[reader]:
                self._make_ready(reader)
        self._hand_out()

    def _main(self, seconds: float, what: str, number: int) -> None:
        """Let the main process do something after all that it has to do already."""
        self.main_free = max(self.now, self.main_free) + seconds
        self.outcome.main_busy += seconds
        self.n_events += 1  # of several at the same time, the first is done first
        heapq.heappush(self.events, (self.main_free, self.n_events, what, number))


def chain(tasks: Sequence[Task]) -> list[float]:
    """Return the seconds of the longest chain of tasks that ends with each."""
    ends: list[float] = []
    for task in tasks:
        ends.append(task.seconds + max((ends[one] for one in task.inputs), default=0.0))
    return ends


def longest_chain(tasks: Sequence[Task]) -> list[tuple[str, float]]:
    """Return kind and seconds of the tasks of the longest chain."""
    ends = chain(tasks)
    place, found = max(range(len(tasks)), key=ends.__getitem__), []
    while True:
        found.append((tasks[place].kind, tasks[place].seconds))
        if not tasks[place].inputs:
            return found[::-1]
        place = max(tasks[place].inputs, key=ends.__getitem__)


def longest_first(tasks: Sequence[Task]) -> list[float]:
    """Return an order in which tasks with the longest chain after them come first."""
    after = [task.seconds for task in tasks]
    for number in reversed(range(len(tasks))):
        for one in tasks[number].inputs:
            after[one] = max(after[one], tasks[one].seconds + after[number])
    return [-seconds for seconds in after]


def tasks_of(
    stages: Iterable[Sequence[Any]],
    powers: dict[str, float],
    models: int,
    *,
    gpu_speed: float = 1.0,
    training: float = 1.0,
    part: int = PART,
) -> list[Task]:
    """Return the tasks of a run with more models a population than were measured.

    Args:
        stages: what was measured with `MEASURED` models: kind, seconds, bytes, positions of inputs.
        powers: powers of the number of models to which seconds grow, by kind; bytes are in proportion.
        models: models in a population.
        gpu_speed: times as fast a GPU is as the core.
        training: times as long a model trains as the measured one.
        part: models in a part of a population.
    """  # fmt: skip
    tasks: list[Task] = []
    places: list[int] = []  # of the last task of each stage
    factor = models / MEASURED
    for kind, seconds, size, inputs in stages:
        reads = tuple(places[one] for one in inputs)
        resource = "gpu" if kind in ON_GPU else "core"
        speed = gpu_speed if resource == "gpu" else 1.0
        if kind == IN_PARTS:
            n_parts = max(models // part, 1)
            took = seconds * training / speed * factor / n_parts
            parts = tuple(range(len(tasks), len(tasks) + n_parts))
            tasks += [Task(kind, took, size * factor / n_parts, reads, resource)] * n_parts
            tasks.append(Task("join", 0.0, size * factor, parts, "main"))
        else:
            took = seconds * factor ** powers.get(kind, 1.0) / speed
            tasks.append(Task(kind, took, size * factor, reads, resource))
        places.append(len(tasks) - 1)
    return tasks


GPUS = (1, 8, 64, 512)
CORES_PER_GPU = 8
SCENARIOS = {
    "small models": {"gpu_speed": 1.0, "training": 1.0},
    "small models, GPU 10x": {"gpu_speed": 10.0, "training": 1.0},
    "training 1000x, GPU 10x": {"gpu_speed": 10.0, "training": 1000.0},
    "the same, parts of 16": {"gpu_speed": 10.0, "training": 1000.0, "part": 16},
}
NETWORK, DISK = 1e9, 5e8  # bytes a second: 10 Gbit/s, an SSD with checksums


def table(content: dict[str, Any], costs: dict[str, float]) -> list[dict[str, Any]]:
    """Return a row for each scenario, way of artifacts and number of GPUs."""
    rows = []
    for name, scenario in SCENARIOS.items():
        tasks = tasks_of(content["stages"], content["powers"], 256, **scenario)
        longest = max(chain(tasks))
        order = longest_first(tasks)
        for way in ("objects", "shared"):
            for gpus in GPUS:
                cluster = Cluster(
                    {"gpu": gpus, "core": gpus * CORES_PER_GPU},
                    start=content["planning_seconds"],
                    send_bytes=NETWORK if way == "objects" else float("inf"),
                    store_bytes=DISK,
                    **costs,
                )
                outcome = Simulation(tasks, cluster).run()
                best = Simulation(tasks, cluster, order).run()
                bounds = {
                    "GPUs": outcome.busy["gpu"] / gpus,
                    "cores": outcome.busy["core"] / (gpus * CORES_PER_GPU),
                    "longest chain": longest,
                    "main process": outcome.main_busy,
                }
                rows.append(
                    {
                        "scenario": name,
                        "artifacts": way,
                        "gpus": gpus,
                        "tasks": len(tasks),
                        "hours": outcome.seconds / 3600,
                        "longest_first_hours": best.seconds / 3600,
                        "stored_gb": sum(task.bytes for task in tasks) / 1e9,
                        "longest_chain": longest_chain(tasks),
                        "bounds_hours": {key: value / 3600 for key, value in bounds.items()},
                        "limit": max(bounds, key=bounds.__getitem__),
                    }
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="simulate a large benchmark on many workers")
    parser.add_argument("--tasks", type=Path, default=RESULTS / "cluster.json")
    parser.add_argument("--hosts", type=Path, default=RESULTS / "ray-hosts.json")
    parser.add_argument("--json", type=Path, default=RESULTS / "cluster-scaling.json")
    arguments = parser.parse_args()
    content = json.loads(arguments.tasks.read_text())
    costs = json.loads(arguments.hosts.read_text())["costs"]
    rows = table(content, costs)
    for row in rows:
        print(
            f"{row['scenario']:25} {row['artifacts']:8} {row['gpus']:4} GPUs {row['hours']:9.3f} h"
            f"  longest first {row['longest_first_hours']:9.3f} h  {row['limit']}"
        )
    arguments.json.write_text(json.dumps({"costs": costs, "rows": rows}, indent=1) + "\n")
    print(f"written to {arguments.json}")


if __name__ == "__main__":
    main()
