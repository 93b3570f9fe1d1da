"""Compute one task, in any process that has privbench and the plugins."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.components.faults import trace_of
from privbench.components.messages import error_text
from privbench.errors import Incompatible
from privbench.executors.payload import Plugins, Request, plugins_of, request_of
from privbench.logs import collecting
from privbench.stages import Context, Stage
from privbench.stages.query_cache import QueryCache
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.packed import pack, pieces, unpack
from privbench.storage.parts import Parts
from privbench.storage.scratch import content_of, empty_in

if TYPE_CHECKING:
    from privbench.data import Data
    from privbench.plugins.host import PluginHost

RECORDS = 200
"""How many of the last log records of a task go with its result."""
KEPT = 8
"""How many artifacts that no store has a worker keeps: settings, releases, generators."""

Inputs = Mapping[str, "bytes | Path"]
Report = Callable[[int, int], None]


def no_report(done: int, total: int) -> None:
    """Report nothing."""


def failed(reason: str) -> bytes:
    """Return the result of a task that has failed."""
    return pack(Artifact(), status="failed", reason=reason, seconds=0.0)


class MissingInput(Exception):
    """An input that is stored cannot be read."""


class _Failed(Exception):
    """A stage of this kind has failed, with ``__cause__``."""


def work(
    payload: bytes, store: str | None = None, inputs: Inputs | None = None,
    report: Report = no_report,
) -> bytes:  # fmt: skip
    """Compute one task and return its result, which ``Tasks.finish`` takes.

    It loads the plugins that the payload names, and keeps them, as well as what it makes again for
    several tasks, such as the membership, while the process lives. A task that fails has a result too.

    Args:
        payload: That of the task.
        store: The results folder, if this process sees it. It is only read.
        inputs: What it reads, by name: what ``Tasks.read`` returned, or a file that holds it. Whatever
            the store has may be left out.
        report: Is called with the number of equal parts that are done, and their total.
    """
    return b"".join(work_in_pieces(payload, store, inputs, report))


def work_in_pieces(
    payload: bytes, store: str | None, inputs: Inputs | None, report: Report,
    scratch: Path | None = None,
) -> list[bytes | memoryview]:  # fmt: skip
    """Return what `work` returns in pieces, which share the memory of the artifact's arrays.

    Args:
        payload: That of the task.
        store: The results folder.
        inputs: What it reads.
        report: Is told of progress.
        scratch: A folder for temporary files, in which large arrays lie; None to keep them in memory.
    """
    records: deque[dict[str, Any]] = deque(maxlen=RECORDS)
    with collecting(records.append):
        artifact, facts = _worked(payload, store, inputs, report, scratch)
    try:
        return pieces(artifact, **facts, log=list(records))
    except ValueError as error:  # of a component that returns what is no JSON value
        return [failed(error_text(error))]


def _worked(
    payload: bytes, store: str | None, inputs: Inputs | None, report: Report, scratch: Path | None
) -> tuple[Artifact, dict[str, Any]]:
    start = time.perf_counter()
    facts: dict[str, Any] = {"status": "ok"}
    artifact = Artifact()
    try:
        plugins, content = plugins_of(payload)
        host = load_plugins(plugins)
        request = request_of(content, host)
        artifact = _Work(request, store, inputs or {}, report, scratch).run()
        if not artifact.is_storable:
            artifact, facts["status"] = Artifact(), "not stored"
    except KeyboardInterrupt:
        raise
    except MissingInput as error:
        facts = {"status": "missing", "name": str(error)}
    except Incompatible as error:
        facts = {"status": "skipped", "reason": error_text(error)}
    except _Failed as failed:
        cause = failed.__cause__ or failed
        reason = f"{failed}: {error_text(cause)}"
        facts = {"status": "failed", "reason": reason, "traceback": trace_of(cause)}
    except BaseException as error:  # such as a plugin that cannot be loaded
        facts = {"status": "failed", "reason": error_text(error), "traceback": trace_of(error)}
    return artifact, facts | {"seconds": time.perf_counter() - start}


@lru_cache(maxsize=2)
def load_plugins(plugins: Plugins) -> PluginHost:
    """Return the plugins of this process, which are loaded once."""
    from privbench.plugins.host import PluginHost

    sys.path += [place for place in plugins.path if place not in sys.path]
    return PluginHost(plugins.specs, installed=plugins.installed)


_KEPT: OrderedDict[str, Artifact] = OrderedDict()
_DATA: OrderedDict[str, Data] = OrderedDict()
_LIVE: dict[str, Any] = {}
_QUERY_CACHE = QueryCache()


class _Work:
    """One task, and access to what it reads."""

    def __init__(
        self, request: Request, store: str | None, inputs: Inputs, report: Report,
        scratch: Path | None,
    ) -> None:  # fmt: skip
        self._request = request
        self._store = None if store is None else Store(Path(store))
        self._inputs = inputs
        self._read: dict[str, Artifact] = {}
        self._context = Context(
            get=self.get, data=self.data, device=request.device, progress=report,
            query_cache=_QUERY_CACHE, parts=Parts(), live=_LIVE, empty=empty_in(scratch),
        )  # fmt: skip

    def run(self) -> Artifact:
        """Compute the artifact of the stage, or of one of its parts."""
        stage, part = self._request.stage, self._request.part
        if part is not None:
            with _failing(stage):
                return stage.compute_part(self._context, *part)
        artifact = self._computed(stage)
        if not artifact.is_storable:
            _keep(stage.key, artifact)
        return artifact

    def _computed(self, stage: Stage) -> Artifact:
        with _failing(stage):
            return stage.compute(self._context)

    def get(self, stage: Stage) -> Artifact:
        """Return the artifact of an input: read, kept from an earlier task, or computed."""
        name = f"{stage.kind}/{stage.key}"
        if name not in self._request.stored:
            if stage.key not in _KEPT:
                _keep(stage.key, self._computed(stage))
            _KEPT.move_to_end(stage.key)
            return _KEPT[stage.key]
        if name not in self._read:
            self._read[name] = stage.loaded(self._load(name), self._context)
        return self._read[name]

    def data(self, bound: Bound) -> Data:
        """Return the records of a dataset, which are kept."""
        from privbench.data import Data

        fingerprint, spec = self._request.specs[repr(bound.seed_part())]
        if fingerprint not in _DATA:
            arrays = self._load(f"data/{fingerprint}").arrays
            _DATA[fingerprint] = Data(arrays["x"], arrays["y"], spec, arrays.get("groups"))
            while len(_DATA) > 2:
                _DATA.popitem(last=False)
        return _DATA[fingerprint]

    def _load(self, name: str) -> Artifact:
        if name in self._inputs:
            content = self._inputs[name]
            return unpack(content if isinstance(content, bytes) else content_of(content))[0]
        kind, _, key = name.partition("/")
        artifact = self._store.load(kind, key) if self._store is not None else None
        if artifact is None:
            raise MissingInput(name)
        return artifact


@contextmanager
def _failing(stage: Stage) -> Iterator[None]:
    """Say which stage has failed, whatever is raised."""
    try:
        yield
    except (KeyboardInterrupt, MissingInput, Incompatible, _Failed):
        raise
    except BaseException as error:  # third-party code may raise anything
        raise _Failed(stage.kind) from error


def _keep(key: str, artifact: Artifact) -> None:
    _KEPT[key] = artifact
    while len(_KEPT) > KEPT:
        _LIVE.pop(_KEPT.popitem(last=False)[0], None)
