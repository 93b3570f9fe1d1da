"""The plugin host: finds plugins, registers their components, and keeps what went wrong.

Third-party code is called one implementation at a time and guarded each time, so that a broken plugin
never takes the command line or the other plugins down with it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from pluggy import HookImpl
from pydantic import PydanticUserError

from privbench import hookspecs
from privbench.components import KINDS, Component, Distribution, Entry, Registry, is_local
from privbench.components.messages import unannotated
from privbench.errors import BadInput, PrivbenchError
from privbench.plugins.checks import check_class, marked, mistakes_of, silent_of

GROUP = "privbench"
BUILTINS = "privbench.plugins.builtins"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PluginFailure:
    """Something that a plugin did wrong: where it came from, at which stage, and the traceback."""

    plugin: str
    distribution: str
    stage: str
    message: str
    traceback: str = ""


@dataclass
class Plugin:
    """One loaded plugin and what it registered."""

    name: str
    distribution: Distribution
    module: ModuleType
    components: list[Entry] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)


class PluginHost:
    """All plugins of one run of privbench: the built-ins, the installed ones, and those of ``-p``."""

    def __init__(self, extra: Iterable[str] = (), *, installed: bool = True) -> None:
        self.manager = pluggy.PluginManager("privbench")
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[Plugin] = []
        self.failures: list[PluginFailure] = []
        self.registries = {kind: Registry(kind) for kind in KINDS}
        version = importlib.metadata.version("privbench")
        self._load(BUILTINS, "privbench", version, lambda: importlib.import_module(BUILTINS))
        for entry_point in self._entry_points() if installed else ():
            distribution = entry_point.dist.name if entry_point.dist else "?"
            version = entry_point.dist.version if entry_point.dist else ""
            self._load(entry_point.name, distribution, version, entry_point.load)
        for spec in extra:
            self.load(spec)

    def load(self, spec: str) -> None:
        """Load a plugin by the name of a module or the path of a single file."""
        path = Path(spec)
        if path.suffix == ".py" and not path.is_file():
            raise BadInput(f"-p {spec}: there is no such file")
        if path.suffix == ".py":
            self._load(spec, spec, "", lambda: _import_file(path))
        else:
            self._load(spec, spec, "", lambda: importlib.import_module(spec))

    def registry(self, kind: str) -> Registry:
        """All components of one kind."""
        return self.registries[kind]

    @property
    def third_party(self) -> dict[str, str]:
        """Distribution and version of every loaded plugin but the built-ins, by plugin name."""
        return {plugin.name: str(plugin.distribution) for plugin in self.plugins[1:]}

    @property
    def broken(self) -> set[str]:
        """Names of the plugins that failed in some way."""
        return {failure.plugin for failure in self.failures}

    def call(self, hook: str, **arguments: Any) -> None:
        """Call every implementation of an observer hook; what raises is recorded and the rest go on."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = self._plugin_of(implementation)
            call = _bind(implementation, arguments)
            self._guarded(plugin.name, plugin.distribution.name, hook, call)

    def observe(self, observer: object) -> None:
        """Add an observer (an object whose methods are hook implementations) for this run."""
        self.manager.register(observer)

    @staticmethod
    def _entry_points() -> list[importlib.metadata.EntryPoint]:
        found = importlib.metadata.entry_points(group=GROUP)
        return sorted(found, key=lambda point: (point.dist.name if point.dist else "", point.name))

    def _load(
        self, name: str, distribution: str, version: str, load: Callable[[], ModuleType]
    ) -> None:
        module = self._guarded(name, distribution, "import", load)
        if module is None:
            return
        mistakes = mistakes_of(module)
        for message in [*mistakes, *silent_of(module, Path(name).name)]:
            self._fail(PluginFailure(name, distribution, "hooks", message))
        if mistakes or not marked(module):
            return
        released = bool(version) and not is_local(distribution)
        plugin = Plugin(name, Distribution(distribution, version, released), module)
        if self._guarded(name, distribution, "hooks", lambda: self._add(plugin)) is None:
            return
        self.plugins.append(plugin)
        for kind in KINDS:
            self._register(plugin, kind)

    def _add(self, plugin: Plugin) -> str | None:
        """Hand the module to pluggy, which checks the arguments of its hook implementations."""
        added = self.manager.register(plugin.module, name=plugin.name)
        plugin.hooks = [caller.name for caller in self.manager.get_hookcallers(plugin.module) or []]
        return added

    def _register(self, plugin: Plugin, kind: str) -> None:
        caller = getattr(self.manager.hook, f"register_{kind}s")
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin.module:
                self._guarded(
                    plugin.name,
                    plugin.distribution.name,
                    caller.name,
                    _bind(implementation, {"register": self._registrar(plugin, kind)}),
                )

    def _registrar(self, plugin: Plugin, kind: str) -> Callable[[type[Component]], None]:
        def register(cls: type[Component]) -> None:
            check_class(cls, kind)
            entry = Entry(cls, plugin.distribution)
            self.registries[kind].add(entry)
            plugin.components.append(entry)

        return register

    def _plugin_of(self, implementation: HookImpl) -> Plugin:
        for plugin in self.plugins:
            if implementation.plugin is plugin.module:
                return plugin
        return Plugin("observer", Distribution("privbench"), sys.modules[__name__])

    def _guarded(self, plugin: str, distribution: str, stage: str, call: Callable[[], Any]) -> Any:
        """Call third-party code; what it raises becomes a PluginFailure (SystemExit too, not Ctrl-C)."""
        try:
            return call()
        except (Exception, SystemExit) as error:
            trace = "" if isinstance(error, PrivbenchError) else traceback.format_exc()
            self._fail(PluginFailure(plugin, distribution, stage, _message(error), trace))
            return None

    def _fail(self, failure: PluginFailure) -> None:
        """Keep a failure once: an observer may fail at every step of a run."""
        known = [(one.plugin, one.stage, one.message) for one in self.failures]
        if (failure.plugin, failure.stage, failure.message) not in known:
            self.failures.append(failure)
            log.warning("plugin %s (%s): %s", failure.plugin, failure.stage, failure.message)


def _bind(implementation: HookImpl, arguments: dict[str, Any]) -> Callable[[], Any]:
    """An implementation may name fewer arguments than its hook has."""
    chosen = [arguments[name] for name in implementation.argnames]
    return lambda: implementation.function(*chosen)


def _message(error: BaseException) -> str:
    if isinstance(error, PrivbenchError):
        return str(error)
    if isinstance(error, PydanticUserError):
        return unannotated(error)
    return f"{type(error).__name__}: {error}"


def _import_file(path: Path) -> ModuleType:
    """Import a single file as a module of its own, under a name that cannot clash."""
    name = f"privbench_plugin_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PrivbenchError(f"{str(path)!r} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic resolves annotations through sys.modules
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
