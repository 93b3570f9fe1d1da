"""The command line, with a file for each command. Data goes to stdout, messages to stderr."""

from __future__ import annotations

import logging
import shlex

import click

from privbench import __version__
from privbench.cli.audit import audit
from privbench.cli.audit_data import audit_data
from privbench.cli.console import LogHandler
from privbench.cli.data import data
from privbench.cli.doctor import doctor
from privbench.cli.export import export
from privbench.cli.leaderboard import leaderboard
from privbench.cli.listing import list_command
from privbench.cli.output import COMMAND, echo
from privbench.cli.plot import plot
from privbench.cli.plugins import plugins
from privbench.cli.report import report
from privbench.cli.run import run
from privbench.cli.show import show
from privbench.cli.table import table
from privbench.errors import BadInput, PrivbenchError
from privbench.plugins.host import PluginHost

BUILTIN_COMMANDS = (
    run, audit, audit_data, list_command, show, table, plot, export, report, leaderboard, data,
    plugins, doctor,
)  # fmt: skip


class Group(click.Group):
    """The root command, which prints errors written for users without a traceback.

    The exit status is 2 for bad input, 1 for other errors, and 130 after an interrupt.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments, which commands that write a page show in it."""
        ctx.meta[COMMAND] = shlex.join(["privbench", *args])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, and turn errors into messages and exit statuses."""
        try:
            return super().invoke(ctx)
        except PrivbenchError as error:
            echo(f"error: {error}", err=True)
            ctx.exit(2 if isinstance(error, BadInput) else 1)
        except KeyboardInterrupt:
            echo("interrupted; run the same command again to continue", err=True)
            ctx.exit(130)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, and refuse a name that is taken, which click would replace silently."""
        taken = name or cmd.name
        if taken in self.commands:
            raise PrivbenchError(
                f"there is already a command {taken!r}; the plugin must rename its own"
            )
        super().add_command(cmd, name)


def build_cli(host: PluginHost) -> click.Group:
    """Return the root command with the built-in commands and those of plugins."""

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
    host.call("register_commands", cli=cli)
    return cli


def main() -> None:
    """Run the command line; the entry point of ``privbench``."""
    log = logging.getLogger("privbench")
    log.addHandler(LogHandler())
    log.setLevel(logging.INFO)
    build_cli(PluginHost())(prog_name="privbench")
