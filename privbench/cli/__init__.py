"""The command line, with a file for each command. Data goes to stdout, messages to stderr."""

from __future__ import annotations

import logging
import sys

import click

from privbench import __version__
from privbench.cli.audit import audit
from privbench.cli.audit_data import audit_data
from privbench.cli.audit_training import audit_training
from privbench.cli.complete import is_completing
from privbench.cli.completion import completion
from privbench.cli.console import LogHandler
from privbench.cli.data import data
from privbench.cli.doctor import doctor
from privbench.cli.export import export
from privbench.cli.gc import gc
from privbench.cli.group import Group
from privbench.cli.init import init
from privbench.cli.leaderboard import leaderboard
from privbench.cli.listing import list_command
from privbench.cli.output import echo_error
from privbench.cli.plot import plot
from privbench.cli.plugins import plugins
from privbench.cli.report import report
from privbench.cli.run import run
from privbench.cli.runs import runs
from privbench.cli.schema import schema
from privbench.cli.show import show
from privbench.cli.table import table
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost
from privbench.plugins.installed import Installed, named_off

BUILTIN_COMMANDS = (
    init, run, runs, audit, audit_training, audit_data, list_command, show, table, plot, export, report,
    leaderboard, data, plugins, schema, gc, doctor, completion,
)  # fmt: skip


def build_cli(host: PluginHost | None) -> click.Group:
    """Return the root command with the built-in commands and those of plugins; no host has none."""

    @click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(__version__, prog_name="privbench")
    @click.pass_context
    def cli(ctx: click.Context) -> None:
        """Measure what privacy defenses protect against membership inference, and what they cost.

        Start with `privbench run quickstart`. `privbench list` shows what else there is.
        """
        ctx.obj = host

    for command in BUILTIN_COMMANDS:
        cli.add_command(command)
    if host is not None:
        host.call("register_commands", cli=cli)
    return cli


def main() -> None:
    """Run the command line; the entry point of ``privbench``."""
    log = logging.getLogger("privbench")
    log.addHandler(LogHandler(lists_failures=sys.argv[1:2] in (["plugins"], ["doctor"])))
    log.setLevel(logging.INFO)
    build_cli(None if is_completing() else _host())(prog_name="privbench")


def _host() -> PluginHost:
    try:  # names of --no-plugin are checked by the option itself
        return PluginHost(installed=Installed.chosen(named_off(sys.argv[1:])))
    except BadInput as error:
        echo_error(str(error))
        sys.exit(2)
