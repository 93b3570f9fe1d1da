"""Find plugins, register their components, call their observers, and record what goes wrong.

Each hook implementation of third-party code is called by itself and guarded, so that a broken plugin
stops neither the command line nor the other plugins.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pluggy
from pluggy import HookImpl
from pydantic import PydanticUserError

from privbench import hookspecs
from privbench.components import KINDS, Component, Distribution, Entry, Registry, is_local
from privbench.components.contained import contained
from privbench.components.faults import trace_of
from privbench.components.messages import error_text, near_file, printable, unannotated
from privbench.components.scripts import import_file
from privbench.errors import BadInput
from privbench.logs import about
from privbench.plugins.checks import check_class, marked, mistakes_of, silent_of
from privbench.plugins.copies import own_copy
from privbench.plugins.installed import NO_PLUGINS, Installed, distribution_of
from privbench.plugins.tracing import Tracer

BUILTINS = "privbench.plugins.builtins"
FAILURE = "plugin_failure"
"""The attribute of the log record about the failure of a plugin."""

log = logging.getLogger(__name__)

Phase = Literal["import", "hook", "registration", "checks", "observer"]
"""What a plugin failed in: its import, the names or arguments of its hooks, a hook that registers
something, the checks of a class that it registers, or a hook that observes a run."""


@dataclass(frozen=True)
class PluginFailure:
    """An error of a plugin: the plugin's distribution, what it was called for, and the traceback."""

    plugin: str
    distribution: str
    phase: Phase
    message: str
    traceback: str = ""
    hook: str = ""
    """The hook that was called; empty if the plugin failed before."""

    @property
    def place(self) -> str:
        """The phase, with the hook that was called: ``registration in register_attacks``."""
        return f"{self.phase} in {self.hook}" if self.hook else self.phase


@dataclass
class Plugin:
    """One loaded plugin and what it registered."""

    name: str
    distribution: Distribution
    module: ModuleType
    components: list[Entry] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)


class PluginHost:
    """All plugins of one process: the built-ins, the installed ones, and those given by ``-p``."""

    def __init__(self, extra: Iterable[str] = (), *, installed: bool | Installed = True) -> None:
        """Load plugins.

        Args:
            extra: modules and files to load as plugins.
            installed: which of the installed plugins to load; True for the choice of the environment
                variable PRIVBENCH_LOAD_PLUGINS, False for none.

        Raises:
            BadInput: a file of ``extra`` is missing, or the environment variable names a plugin that is
                not installed.
        """
        is_without = installed is False
        if isinstance(installed, bool):
            installed = Installed.chosen() if installed else NO_PLUGINS
        self.manager = pluggy.PluginManager("privbench")
        self.manager.add_hookspecs(hookspecs)
        self._tracer = Tracer.if_wanted(self.manager)
        self.plugins: list[Plugin] = []
        self.failures: list[PluginFailure] = []
        self.changes: dict[str, list[str]] = {}
        """What settings of the process a plugin has changed when it was imported, by its name."""
        self.specs: list[str] = []
        """Modules and files that were loaded beside those that are installed."""
        self.installed = installed
        self.switched_off = [] if is_without else installed.switched_off()
        """Names of the installed plugins that the user turned off."""
        self.registries = {kind: Registry(kind) for kind in KINDS}
        version = importlib.metadata.version("privbench")
        self._load(BUILTINS, "privbench", version, lambda: importlib.import_module(BUILTINS))
        for point in installed.entry_points():
            version = point.dist.version if point.dist else ""
            self._load(point.name, distribution_of(point), version, point.load)
        for spec in extra:
            self.load(spec)

    def load(self, spec: str) -> None:
        """Load a plugin by module name or by the path of a single file. Raises BadInput for no file."""
        path = Path(spec)
        if path.suffix == ".py" and not path.is_file():
            raise BadInput(f"-p {spec}: there is no such file{near_file(path)}")
        self.specs.append(spec)
        if path.suffix == ".py":
            self._load(spec, spec, "", lambda: import_file(path, "plugin"))
        else:
            self._load(spec, spec, "", lambda: importlib.import_module(spec))

    def registry(self, kind: str) -> Registry:
        """Return all components of one kind."""
        return self.registries[kind]

    @property
    def third_party(self) -> dict[str, str]:
        """Distribution and version of each loaded plugin, by plugin name, without the built-ins."""
        return {plugin.name: str(plugin.distribution) for plugin in self.plugins[1:]}

    @property
    def broken(self) -> set[str]:
        """Names of the plugins that have failures."""
        return {failure.plugin for failure in self.failures}

    def call(self, hook: str, **arguments: Any) -> None:
        """Call each implementation of an observer hook; an error is recorded and the others go on.

        Each observer gets its own copy of lists and rows, and may change them, and a plan or stage whose
        attributes are its own. Those of privbench itself change nothing, and get no copies.
        """
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = self._plugin_of(implementation)
            own = arguments
            if not _is_built_in(implementation.plugin):
                own = {name: own_copy(arguments[name]) for name in implementation.argnames}
            call = self._call_of(plugin, implementation, own)
            phase: Phase = "registration" if hook.startswith("register_") else "observer"
            self._guarded(plugin.name, plugin.distribution.name, phase, call, hook)

    def observe(self, observer: object) -> None:
        """Add an observer for this run: an object whose methods are hook implementations."""
        self.manager.register(observer)

    def _load(
        self, name: str, distribution: str, version: str, load: Callable[[], ModuleType]
    ) -> None:
        if self._tracer is not None:
            load = self._tracer.traced(name, "import", load, {})
        module = self._guarded(name, distribution, "import", load)
        if module is None:
            return
        if not self._guarded(
            name, distribution, "hook", lambda: self._has_hooks(name, distribution, module)
        ):
            return
        released = bool(version) and not is_local(distribution)
        plugin = Plugin(name, Distribution(distribution, version, released), module)
        if self._guarded(name, distribution, "hook", lambda: self._add(plugin)) is None:
            return
        self.plugins.append(plugin)
        for kind in KINDS:
            self._register(plugin, kind)

    def _has_hooks(self, name: str, distribution: str, module: ModuleType) -> bool:
        """Record the mistakes of a module; return whether it has hooks, and none is wrong."""
        mistakes = mistakes_of(module)
        for message in [*mistakes, *silent_of(module, Path(name).name)]:
            self._fail(PluginFailure(name, distribution, "hook", message))
        return not mistakes and bool(marked(module))

    def _add(self, plugin: Plugin) -> str | None:
        """Register the module with pluggy, which checks the arguments of its hook implementations."""
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
                    "registration",
                    self._call_of(
                        plugin, implementation, {"register": self._registrar(plugin, kind)}
                    ),
                    caller.name,
                )

    def _registrar(self, plugin: Plugin, kind: str) -> Callable[[type[Component]], None]:
        def check(cls: type[Component]) -> bool:
            check_class(cls, kind)
            return True

        def add(cls: type[Component]) -> None:
            entry = Entry(cls, plugin.distribution)
            self.registries[kind].add(entry)
            plugin.components.append(entry)

        def register(cls: type[Component]) -> None:
            """Register one class; one that is refused does not stop the plugin's next ones."""
            whose, hook = (plugin.name, plugin.distribution.name), f"register_{kind}s"
            if self._guarded(*whose, "checks", lambda: check(cls), hook):
                self._guarded(*whose, "registration", lambda: add(cls), hook)

        return register

    def _call_of(
        self, plugin: Plugin, implementation: HookImpl, arguments: dict[str, Any]
    ) -> Callable[[], Any]:
        """Return a call with those of the arguments that an implementation names; traced if wanted."""
        chosen = {name: arguments[name] for name in implementation.argnames}

        def call() -> Any:
            return implementation.function(*chosen.values())

        if self._tracer is None or _is_built_in(implementation.plugin):
            return call
        return self._tracer.traced(plugin.name, implementation.function.__name__, call, chosen)

    def _plugin_of(self, implementation: HookImpl) -> Plugin:
        for plugin in self.plugins:
            if implementation.plugin is plugin.module:
                return plugin
        return Plugin("observer", Distribution("privbench"), sys.modules[__name__])

    def _guarded(
        self,
        plugin: str,
        distribution: str,
        phase: Phase,
        call: Callable[[], Any],
        hook: str = "",
    ) -> Any:
        """Call a plugin and return its result, or record what it raises (but for Ctrl-C)."""
        third_party = distribution != "privbench"
        changes: list[str] | None = [] if phase == "import" else None
        try:
            with (
                contained(f"plugin {printable(plugin)}", changes) if third_party else nullcontext(),
                about(**({"plugin": plugin} if third_party else {})),
            ):
                return call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # third-party code may raise anything
            message, trace = _message(error), trace_of(error)
            self._fail(PluginFailure(plugin, distribution, phase, message, trace, hook))
            return None
        finally:
            if changes:
                self.changes[plugin] = changes

    def _fail(self, failure: PluginFailure) -> None:
        """Record and log a failure, but only once: an observer may fail at each call."""
        known = [(known.plugin, known.place, known.message) for known in self.failures]
        if (failure.plugin, failure.place, failure.message) not in known:
            self.failures.append(failure)
            message = "plugin %s (%s): %s", failure.plugin, failure.place, failure.message
            names = {"plugin": failure.plugin, "traceback": failure.traceback}
            log.warning(*message, extra=names | {FAILURE: True})


def _is_built_in(observer: object) -> bool:
    """Return whether an observer is an object of a class of privbench."""
    return type(observer).__module__.startswith("privbench.")


def _message(error: BaseException) -> str:
    return unannotated(error) if isinstance(error, PydanticUserError) else error_text(error)
