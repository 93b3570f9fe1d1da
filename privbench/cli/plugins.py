"""``privbench plugins``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import click

from privbench.cli.options import json_option, plugin_option
from privbench.cli.output import echo, fitted, painted, print_definitions, print_json, wrapped
from privbench.escape import one_line
from privbench.plugins.host import Plugin, PluginFailure, PluginHost


@click.command()
@plugin_option
@click.option("-v", "--verbose", is_flag=True, help="Print the tracebacks of failures.")
@json_option
@click.pass_context
def plugins(ctx: click.Context, verbose: bool, as_json: bool) -> None:
    """List the plugins and what they register.

    A plugin that failed is listed with its error, and the exit status is 1.
    """
    host: PluginHost = ctx.obj
    if as_json:
        loaded = [_facts(plugin, host.changes) for plugin in host.plugins]
        print_json({"plugins": loaded, "failures": [asdict(failure) for failure in host.failures]})
    else:
        for plugin in host.plugins:
            _print_plugin(plugin, host.changes.get(plugin.name, []))
        for failure in host.failures:
            _print_failure(failure, verbose)
    if host.failures:
        ctx.exit(1)


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


def _print_failure(failure: PluginFailure, verbose: bool) -> None:
    origin = _origin(failure.plugin, str(failure.distribution))
    failed = painted("FAILED", "bad")
    echo(failed, wrapped(f"FAILED {origin}, {failure.stage}: {failure.message}")[len("FAILED") :])
    if verbose and failure.traceback:
        echo(failure.traceback)


def _origin(name: str, distribution: str) -> str:
    """Return the name of a plugin and where it is from; of a single file these are the same."""
    return one_line(name if name == distribution else f"{name} ({distribution})")
