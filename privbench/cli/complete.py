"""Names that a shell completes: benchmarks, defenses, components, stored results, and files.

A shell asks at each press of a key. Therefore nothing heavy is imported, and plugins are not loaded: the
names of components are kept in a file of the user's cache folder for as long as it is current.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from privbench import __version__
from privbench.components import KINDS
from privbench.config import find_file, read_file
from privbench.errors import BadInput, PrivbenchError
from privbench.escape import one_line
from privbench.plugins import installed
from privbench.plugins.host import PluginHost

VARIABLE = "_PRIVBENCH_COMPLETE"
"""The environment variable by which a shell asks for completions; click sets its meaning."""
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def is_completing() -> bool:
    """Return whether a shell asks for completions, or for its script."""
    return VARIABLE in os.environ


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete files."""
    return [CompletionItem(incomplete, type="file")]


def benchmarks(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete benchmarks of benchmarks.toml."""
    return _items(_of_file(ctx)["benchmark"], incomplete)


def results(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete benchmarks with stored results, and files."""
    return [*_items(_stored(ctx), incomplete), *files(ctx, param, incomplete)]


def components(kind: str) -> Complete:
    """Return what completes components of one kind."""

    def complete(
        _ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return _items(component_names()[kind], incomplete)

    return complete


def plugins(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of installed plugins, by distribution and by entry point."""
    return _items(installed.known_names(), incomplete)


def kinds_and_names(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the arguments of `privbench show`: a kind, a name of that kind, or any name."""
    names = {**component_names(), **_of_file(ctx)}
    given = ctx.params.get("words") or ()
    if given:
        return _items(names.get(given[0], ()), incomplete)
    return _items([*names, *(name for of_kind in names.values() for name in of_kind)], incomplete)


def component_names() -> dict[str, list[str]]:
    """Return the names of all components by kind, from the cache if it is current."""
    try:
        key = _key()
    except BadInput:  # of PRIVBENCH_LOAD_PLUGINS: a shell shows no messages
        return {kind: [] for kind in KINDS}
    cache = _cache()
    try:
        stored = json.loads(cache.read_text(encoding="utf-8"))
        if stored["key"] == key:
            return {kind: list(map(str, stored["names"][kind])) for kind in KINDS}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    host = PluginHost()
    names = {kind: [entry.name for entry in host.registry(kind)] for kind in KINDS}
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({"key": key, "names": names}), encoding="utf-8")
        partial.replace(cache)
    except OSError:  # a folder that cannot be written: the next completion is slow again
        pass
    return names


def _key() -> list[str]:
    """Return what the names depend on: privbench, and the installed plugins with their versions."""
    from privbench.plugins import builtins

    points = installed.Installed.chosen().entry_points()
    plugins = {f"{point.name} {point.dist.version if point.dist else ''}" for point in points}
    written = os.stat(builtins.__file__).st_mtime_ns
    return [__version__, builtins.__file__, str(written), *sorted(plugins)]


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("privbench") / "names.json"


def _of_file(ctx: click.Context) -> dict[str, Collection[str]]:
    """Return the names of benchmarks and defenses of the file that ``-c`` names."""
    try:
        file = read_file(find_file(ctx.params.get("config")))
    except PrivbenchError:
        return {"benchmark": (), "defense": ()}
    return {"benchmark": list(file.benchmarks), "defense": ["none", *file.defenses]}


def _stored(ctx: click.Context) -> Iterable[str]:
    from privbench.storage.results import Results

    root = ctx.params.get("results") or os.environ.get("PRIVBENCH_RESULTS") or "results"
    try:
        return Results(Path(root)).benchmarks()
    except Exception:  # whatever is wrong with the database: a shell shows no messages
        return ()


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Return the names that begin so, without those that a shell would take for several words."""
    return [
        CompletionItem(name)
        for name in dict.fromkeys(names)
        if name.startswith(incomplete) and name == one_line(name) and " " not in name
    ]
