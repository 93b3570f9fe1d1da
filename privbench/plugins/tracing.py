"""Print the calls of hooks to stderr, by pluggy's own tracer: PRIVBENCH_TRACE_PLUGINS=1."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import pluggy

from privbench.components.messages import short
from privbench.escape import terminal

VARIABLE = "PRIVBENCH_TRACE_PLUGINS"


class Tracer:
    """Prints what is called of which plugin, with which arguments, and how long it took."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        manager.trace.root.setwriter(_write)
        self._trace = manager.trace.root.get("plugin")

    @classmethod
    def if_wanted(cls, manager: pluggy.PluginManager) -> Tracer | None:
        """Return a tracer if the environment variable is set, and neither empty nor 0."""
        return cls(manager) if os.environ.get(VARIABLE, "") not in ("", "0") else None

    def traced(
        self, plugin: str, what: str, call: Callable[[], Any], arguments: Mapping[str, Any]
    ) -> Callable[[], Any]:
        """Return a call that is printed before it begins, and when it ends or raises."""

        def traced() -> Any:
            self._trace(f"{plugin}: {what}", {k: _shown(v) for k, v in arguments.items()})
            self._trace.root.indent += 1
            outcome, start = "raised an exception", time.perf_counter()
            try:
                result = call()
                outcome = "returned"
                return result
            finally:
                seconds = time.perf_counter() - start
                self._trace(f"{outcome} after {1000 * seconds:.1f} ms")
                self._trace.root.indent -= 1

        return traced


def _write(text: str) -> None:
    print(terminal(text), end="", file=sys.stderr)


def _shown(value: Any) -> str:
    """Return a value in a few words: plans and rows may have millions of parts."""
    if value is None or isinstance(value, bool | int | float | str):
        return short(value)
    if isinstance(value, list | tuple | dict):
        return f"{type(value).__name__} of {len(value)}"
    is_named = any("__str__" in vars(cls) for cls in type(value).__mro__[:-1])  # but for object
    return short(str(value)) if is_named else f"<{type(value).__name__}>"
