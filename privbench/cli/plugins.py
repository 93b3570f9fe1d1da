"""``privbench plugins``."""

from __future__ import annotations

from dataclasses import asdict

import click

from privbench.cli.options import json_option, plugin_option, print_json
from privbench.plugins.host import PluginFailure, PluginHost


@click.command()
@plugin_option
@click.option("-v", "--verbose", is_flag=True, help="Print the tracebacks of failures.")
@json_option
@click.pass_context
def plugins(ctx: click.Context, verbose: bool, as_json: bool) -> None:
    """List the plugins and what they register. Exit status 1 if one failed, with what went wrong."""
    host: PluginHost = ctx.obj
    loaded = [
        {
            "name": plugin.name,
            "from": str(plugin.distribution),
            "hooks": plugin.hooks,
            "components": [f"{entry.kind} {entry.name}" for entry in plugin.components],
        }
        for plugin in host.plugins
    ]
    if as_json:
        print_json({"plugins": loaded, "failures": [asdict(failure) for failure in host.failures]})
    else:
        for plugin in loaded:
            click.echo(f"{plugin['name']} ({plugin['from']}): {', '.join(plugin['components'])}")
        for failure in host.failures:
            _print_failure(failure, verbose)
    if host.failures:
        ctx.exit(1)


def _print_failure(failure: PluginFailure, verbose: bool) -> None:
    where = f"{failure.plugin} ({failure.distribution}), {failure.stage}"
    click.echo(f"FAILED {where}: {failure.message}")
    if verbose and failure.traceback:
        click.echo(failure.traceback)
