"""What a worker is told: a stage, with its components as names and parameters, and where plugins are.

Payloads are pickles, which go from the main process to its workers only. What comes back is none.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.errors import PrivbenchError
from privbench.plugins.installed import NO_PLUGINS, Installed

if TYPE_CHECKING:
    from privbench.plugins.host import PluginHost
    from privbench.stages import Stage

Reference = tuple[str, str, str, str]
"""Kind, name, distribution and parameters of a component."""


@dataclass(frozen=True)
class Request:
    """One task."""

    stage: Stage
    part: tuple[int, int] | None
    """Which part of how many; None for the whole stage."""
    device: str
    stored: frozenset[str] = frozenset()
    """Names of its inputs that are stored; what is not is made again."""
    specs: Mapping[str, Any] = field(default_factory=dict)
    """The spec of each of its datasets, by fingerprint."""


@dataclass(frozen=True)
class Plugins:
    """What a worker loads before it unpickles a stage."""

    specs: tuple[str, ...] = ()
    """Those of ``-p``."""
    installed: Installed = NO_PLUGINS
    path: tuple[str, ...] = ()
    """Where modules are."""


def to_payload(request: Request, plugins: Plugins) -> bytes:
    """Return a task as bytes."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(request)
    return pickle.dumps((plugins, buffer.getvalue()), protocol=5)


def plugins_of(payload: bytes) -> tuple[Plugins, bytes]:
    """Return which plugins a payload needs, and the rest of it."""
    plugins, content = pickle.loads(payload)
    return plugins, content


def request_of(content: bytes, host: PluginHost) -> Request:
    """Return the task that the rest of a payload holds, with components of the worker's plugins.

    Raises:
        PrivbenchError: the plugins of the worker have no such component.
    """
    request: Request = _Unpickler(io.BytesIO(content), host).load()
    return request


def plugins_for(host: PluginHost, third_party: bool) -> Plugins:
    """Return what a worker has to load; without third-party code nothing."""
    if not third_party:
        return Plugins()
    return Plugins(tuple(host.specs), host.installed, tuple(sys.path))


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Reference | None:
        if not isinstance(obj, Bound):
            return None
        params = json.dumps(obj.component.params())
        return obj.entry.kind, obj.name, obj.entry.distribution.name, params


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, host: PluginHost) -> None:
        super().__init__(file)
        self._host = host
        self._built: dict[Reference, Bound] = {}

    def persistent_load(self, pid: Reference) -> Bound:
        kind, name, distribution, params = pid
        if pid not in self._built:
            entry = self._host.registry(kind).get(name, "worker")
            if entry.distribution.name != distribution:
                raise PrivbenchError(
                    f"{kind} {name!r} is of {entry.distribution} in the worker, not of {distribution}"
                )
            self._built[pid] = entry.build(json.loads(params), f"{kind} {name!r}")
        return self._built[pid]
