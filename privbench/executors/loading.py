"""Load a third-party dataset in a worker process, as other third-party code runs in one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from privbench.components import Bound
from privbench.components.outcome import NoResult
from privbench.data import Data, DataSpec
from privbench.executors.payload import Request, plugins_for, to_payload
from privbench.executors.tasks import Limits, Task, Tasks
from privbench.executors.workers.crew import Crew
from privbench.stages.base import Context, Stage
from privbench.storage.artifacts import Artifact
from privbench.storage.packed import unpack
from privbench.task_nodes import TRIES, worker_text

if TYPE_CHECKING:
    from privbench.plugins.host import PluginHost
    from privbench.storage.tensors import Content

Loader = Callable[[Bound, bool], "Data | NoResult"]
"""Returns the records of a dataset, which may be downloaded or not, or why there are none."""


@dataclass(frozen=True, eq=False)
class LoadStage(Stage):
    """The records of a dataset, or the fact why there are none. It is no stage of a plan."""

    kind = "dataset"

    title: str
    seed: int
    dataset: Bound
    fetch: bool

    @property
    def components(self) -> tuple[Bound, ...]:
        return (self.dataset,)

    def compute(self, context: Context) -> Artifact:
        from privbench.datasets.loading import Datasets

        data = Datasets(self.fetch).load(self.dataset)
        if isinstance(data, NoResult):
            return Artifact(info={"none": [data.status, data.reason, data.traceback]})
        groups = {} if data.groups is None else {"groups": data.groups}
        return Artifact({"x": data.x, "y": data.y, **groups}, {"spec": asdict(data.spec)})


def loader(host: PluginHost, limits: Limits) -> Loader:
    """Return what loads datasets in worker processes, within limits."""

    def load(bound: Bound, fetch: bool) -> Data | NoResult:
        stage = LoadStage(f"dataset {bound.name!r}", 0, bound, fetch)
        with tempfile.TemporaryDirectory(prefix="privbench-") as folder:
            loading = _Loading(Path(folder), limits, stage, host)
            with Crew(1, limits) as crew:
                while loading.outcome is None:
                    crew.give(loading.task, loading)
                    while crew.busy:
                        crew.step(loading)
        return loading.outcome

    return load


class _Loading(Tasks):
    """The one task of loading a dataset."""

    def __init__(self, folder: Path, limits: Limits, stage: LoadStage, host: PluginHost) -> None:
        self.folder = folder
        self.limits = limits
        self.outcome: Data | NoResult | None = None
        self._name = stage.title
        self._deaths = 0
        plugin = stage.dataset.entry.distribution.name
        request = Request(stage, None, self.device)
        self.task = Task(
            key=stage.title,
            title=stage.title,
            inputs=(),
            make_payload=lambda: to_payload(request, plugins_for(host, True)),
            runs_plugins=True,
            source=plugin,
        )

    @property
    def unfinished(self) -> bool:
        return self.outcome is None

    def ready(self, limit: int | None = None) -> list[Task]:
        return [self.task]

    def run(self, task: Task) -> None:
        raise NotImplementedError  # it runs in a worker alone

    def read(self, name: str) -> bytes:
        raise FileNotFoundError(name)  # it reads nothing

    def finish(self, task: Task, result: Content) -> None:
        try:
            artifact, facts = unpack(result)
            if facts["status"] != "ok":
                reason, trace = (facts.get(name, "") for name in ("reason", "traceback"))
                self.outcome = self._none("failed", f"{self._name}: {reason}", trace)
            elif "none" in artifact.info:
                self.outcome = self._none(*artifact.info["none"])
            else:
                self.outcome = _data(artifact)
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            self.fail(task, f"its worker returned no dataset: {type(error).__name__}")

    def lost(self, task: Task, reason: str) -> None:
        self._deaths += 1
        if self._deaths >= TRIES:
            self.fail(task, reason)

    def fail(self, task: Task, reason: str, *, timeout: bool = False) -> None:
        text = f"{self._name}: {task.source}: {reason}"
        self.outcome = self._none("timeout" if timeout else "failed", text)

    def progress(self, task: Task, done: int, total: int) -> None:
        pass

    def _none(self, status: object, reason: object, trace: object = "") -> NoResult:
        """Return why there is no dataset, of which the worker may have sent anything."""
        texts = worker_text(reason), worker_text(trace)
        if status == "unavailable":
            return NoResult("unavailable", *texts)
        return NoResult("timeout" if status == "timeout" else "failed", *texts)


def _data(artifact: Artifact) -> Data:
    """Return what a worker has sent, which may be anything, as data of valid types."""
    spec = TypeAdapter(DataSpec).validate_python(artifact.info["spec"])
    arrays: dict[str, Any] = dict(artifact.arrays)
    return Data(arrays["x"], arrays["y"], spec, arrays.get("groups"))
