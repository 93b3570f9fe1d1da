"""What ``privbench plugins`` prints: a short table, all that plugins register, or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from privbench.cli.output import (
    MIN_TEXT_WIDTH,
    echo,
    fitted,
    line_width,
    painted,
    print_columns,
    print_definitions,
    print_json,
    print_table,
    wrapped,
)
from privbench.components import KINDS
from privbench.escape import one_line
from privbench.layout import GAP, HEADER_MARGIN, shortened_path, text_width, wrap
from privbench.plugins.host import Plugin, PluginFailure, PluginHost
from privbench.wording import plural, shortened


def print_as_json(host: PluginHost) -> None:
    """Print plugins and failures as JSON."""
    loaded = [_facts(plugin, host.changes) for plugin in host.plugins]
    failures = [asdict(failure) for failure in host.failures]
    print_json({"plugins": loaded, "failures": failures, "off": host.switched_off})


def print_short(host: PluginHost) -> None:
    """Print a line for each distribution or file, and one for each failure."""
    by_origin: dict[str, list[Plugin]] = {}
    for plugin in host.plugins:
        by_origin.setdefault(plugin.distribution.name, []).append(plugin)
    lines = [
        {"plugin": _short(name), "version": plugins[0].distribution.version, "provides": ""}
        for name, plugins in by_origin.items()
    ]
    room = _room(lines)
    for line, plugins in zip(lines, by_origin.values(), strict=True):
        line["provides"] = _provided(plugins, room)
    _print_wrapped(lines)
    if host.failures:
        echo()
        _print_wrapped(
            [
                {"failed": _short(one.distribution), "in": str(one.phase), "because": one.message}
                for one in host.failures
            ]
        )
        echo("\n", wrapped("`privbench plugins -v` prints the tracebacks.", ""))
    if host.switched_off:
        echo("\n", wrapped(f"turned off: {', '.join(host.switched_off)}", ""))


def print_each(host: PluginHost) -> None:
    """Print the names of all components of each plugin, and the failures with their tracebacks."""
    for plugin in host.plugins:
        _print_plugin(plugin, host.changes.get(plugin.name, []))
    for failure in host.failures:
        _print_failure(failure)
    if host.switched_off:
        echo(fitted(f"turned off: {', '.join(host.switched_off)}"))


def _room(lines: list[dict[str, str]]) -> int:
    """Return the width that the last column of a table may have."""
    *others, _last = lines[0]
    taken = 0
    for head in others:
        widest = max(text_width(one_line(line[head])) for line in lines)
        taken += max(widest, text_width(head) + HEADER_MARGIN) + text_width(GAP)
    return line_width() - taken


def _short(origin: str) -> str:
    """Return where a plugin is from; a long path leaves two thirds of the line to other columns."""
    return shortened_path(one_line(origin), max(line_width() // 3, MIN_TEXT_WIDTH))


def _print_wrapped(lines: list[dict[str, str]]) -> None:
    """Print a table whose last column is wrapped by the width, wherever it is printed."""
    *others, last = lines[0]
    room = _room(lines)
    if room < MIN_TEXT_WIDTH:
        print_table(lines)
        return
    rows = []
    for line in lines:
        first, *more = wrap(one_line(line[last]), room)
        rows.append(line | {last: first})
        rows += [dict.fromkeys(others, "") | {last: text} for text in more]
    print_columns(rows)


def _provided(plugins: list[Plugin], room: int) -> str:
    """Return counts and names of components by kind, with as many names as there is room for."""
    names: dict[str, list[str]] = {}
    for entry in (entry for plugin in plugins for entry in plugin.components):
        names.setdefault(entry.kind, []).append(one_line(entry.name))
    hooks = {hook for plugin in plugins for hook in plugin.hooks}
    others = ["commands"] if "register_commands" in hooks else []
    others += ["an observer"] if any(not hook.startswith("register_") for hook in hooks) else []
    for shown in range(max(map(len, names.values()), default=0), -1, -1):
        counted = [_counted(kind, names[kind], shown) for kind in KINDS if kind in names]
        text = ", ".join([*counted, *others])
        if text_width(text) <= room:
            break
    return text or "nothing"


def _counted(kind: str, names: list[str], shown: int) -> str:
    """Return ``2 attacks (lira, loss)``, with at most so many names."""
    count = plural(len(names), kind)
    return f"{count} ({shortened(names, shown)})" if shown else count


def _facts(plugin: Plugin, changes: Mapping[str, list[str]]) -> dict[str, object]:
    return {
        "name": plugin.name,
        "from": str(plugin.distribution),
        "hooks": plugin.hooks,
        "components": [f"{entry.kind} {entry.name}" for entry in plugin.components],
        "changed": changes.get(plugin.name, []),
    }


def _print_plugin(plugin: Plugin, changes: list[str]) -> None:
    """Print where a plugin is from, the names of its components by kind, and what it has changed."""
    echo(fitted(_origin(plugin.name, str(plugin.distribution))))
    names: dict[str, list[str]] = {}
    for entry in plugin.components:
        names.setdefault(f"{entry.kind}s:", []).append(entry.name)
    if changes:
        names["changed at import, and put back:"] = changes
    print_definitions({kind: ", ".join(of_kind) for kind, of_kind in names.items()})


def _print_failure(failure: PluginFailure) -> None:
    origin = _origin(failure.plugin, str(failure.distribution))
    failed = painted("FAILED", "bad")
    echo(failed, wrapped(f"FAILED {origin}, {failure.place}: {failure.message}")[len("FAILED") :])
    if failure.traceback:
        echo(failure.traceback)


def _origin(name: str, distribution: str) -> str:
    """Return the name of a plugin and where it is from; of a single file these are the same."""
    return one_line(name if name == distribution else f"{name} ({distribution})")
