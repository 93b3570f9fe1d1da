"""``privbench plugins``."""

from __future__ import annotations

import click

from privbench.cli.options import json_option, plugin_option
from privbench.cli.plugins.check import check
from privbench.cli.plugins.listing import print_as_json, print_each, print_short
from privbench.cli.plugins.new import new
from privbench.plugins.host import PluginHost


@click.group(invoke_without_command=True)
@plugin_option
@click.option(
    "-v", "--verbose", is_flag=True,
    help="Print all that each plugin registers, and the tracebacks of failures.",
)  # fmt: skip
@json_option
@click.pass_context
def plugins(ctx: click.Context, verbose: bool, as_json: bool) -> None:
    """List plugins, write a new one, and check one.

    Without a command, it lists the plugins that are loaded, with what each of them provides, and those
    that failed, with what they failed in and why. Then the exit status is 1 if a plugin failed.
    """
    if ctx.invoked_subcommand is not None:
        return
    host: PluginHost = ctx.obj
    if as_json:
        print_as_json(host)
    elif verbose:
        print_each(host)
    else:
        print_short(host)
    if host.failures:
        ctx.exit(1)


plugins.add_command(new)
plugins.add_command(check)
