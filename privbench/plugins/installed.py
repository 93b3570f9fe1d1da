"""Which of the installed plugins are loaded: all, unless a user turns some of them off."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from privbench.components.messages import closest
from privbench.errors import BadInput

GROUP = "privbench"
VARIABLE = "PRIVBENCH_LOAD_PLUGINS"
"""Names of the installed plugins that are loaded, with commas between them; empty for none."""
OPTION = "--no-plugin"


@dataclass(frozen=True)
class Installed:
    """A choice of installed plugins, each named by its distribution or its entry point."""

    only: tuple[str, ...] | None = None
    """Those that are loaded; None for all."""
    off: tuple[str, ...] = ()
    """Those of them that are not loaded after all."""

    @classmethod
    def chosen(cls, off: Iterable[str] = ()) -> Installed:
        """Return the choice of PRIVBENCH_LOAD_PLUGINS, without those that are ``off``.

        Raises:
            BadInput: no plugin of a name in PRIVBENCH_LOAD_PLUGINS is installed.
        """
        text = os.environ.get(VARIABLE)
        if text is None:
            return cls(None, tuple(off))
        only = tuple(name.strip() for name in text.split(",") if name.strip())
        for name in only:
            check_installed(name, VARIABLE)
        return cls(only, tuple(off))

    def entry_points(self) -> list[EntryPoint]:
        """Return the entry points to load, in the order of their distributions."""
        if self.only == ():
            return []
        return [point for point in entry_points() if self._includes(point)]

    def switched_off(self) -> list[str]:
        """Return the names of the installed plugins that are not loaded."""
        if self.only is None and not self.off:
            return []
        return [point.name for point in entry_points() if not self._includes(point)]

    def _includes(self, point: EntryPoint) -> bool:
        names = names_of(point)
        allowed = self.only is None or any(_plain(name) in names for name in self.only)
        return allowed and not any(_plain(name) in names for name in self.off)


NO_PLUGINS = Installed(only=())


def entry_points() -> list[EntryPoint]:
    """Return the entry points of all installed plugins, in the order of their distributions."""
    found = importlib.metadata.entry_points(group=GROUP)
    return sorted(found, key=lambda point: (distribution_of(point), point.name))


def distribution_of(point: EntryPoint) -> str:
    """Return the name of the distribution that an entry point is of."""
    return point.dist.name if point.dist else "?"


def names_of(point: EntryPoint) -> set[str]:
    """Return the names by which users mean an entry point, as they are compared."""
    return {_plain(point.name), _plain(distribution_of(point))}


def known_names() -> list[str]:
    """Return all names by which users may mean an installed plugin."""
    names = (name for point in entry_points() for name in (point.name, distribution_of(point)))
    return list(dict.fromkeys(names))


def check_installed(name: str, where: str) -> None:
    """Raise BadInput, with the closest name, if no plugin of this name is installed."""
    if any(_plain(name) in names_of(point) for point in entry_points()):
        return
    hint = ""
    if name.endswith(".py"):
        leave_out = "leave that out" if where == OPTION else "give it there"
        hint = f"; a file is loaded only because -p names it: {leave_out}"
    raise BadInput(f"{where}: no plugin {name!r} is installed{closest(name, known_names())}{hint}")


def named_off(arguments: Sequence[str]) -> list[str]:
    """Return the values of ``--no-plugin`` in the arguments of a command line.

    They are needed before the command line is parsed, since plugins add commands to it.

    >>> named_off(["run", "--no-plugin", "a", "--no-plugin=b", "--", "--no-plugin=c"])
    ['a', 'b']
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given = arguments[:end]
    return [
        value if equals else after
        for word, after in zip(given, [*given[1:], ""], strict=True)
        for option, equals, value in [word.partition("=")]
        if option == OPTION and (equals or after)
    ]


def _plain(name: str) -> str:
    """Return a name as PEP 503 compares the names of distributions."""
    return re.sub(r"[-_.]+", "-", name).lower()
