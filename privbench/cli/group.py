"""The root command: how it prints help, errors, and what a misspelt word may mean."""

from __future__ import annotations

import shlex
import shutil
import signal
from collections.abc import Iterable
from typing import Any

import click

from privbench import interrupt
from privbench.cli.output import COMMAND, echo, echo_error
from privbench.components.messages import near
from privbench.errors import BadInput, PrivbenchError

HYPHEN, KEPT = "-", "\N{NON-BREAKING HYPHEN}"
MIN_HELP_WIDTH, HELP_WIDTH = 20, 80
"""The least and the largest width of the text of --help."""


class Formatter(click.HelpFormatter):
    """Writes --help by the width of the terminal, without breaking words at their hyphens."""

    def __init__(self, *, width: int | None = None, max_width: int | None = None, **kwargs: Any):
        columns = min(shutil.get_terminal_size().columns, max_width or HELP_WIDTH)
        super().__init__(width=width or max(columns - 2, MIN_HELP_WIDTH), **kwargs)

    def write_text(self, text: str) -> None:
        """Write a paragraph."""
        super().write_text(text.replace(HYPHEN, KEPT))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write a list of definitions; on a narrow terminal, names leave more room for their texts."""
        kept = [(name.replace(HYPHEN, KEPT), text.replace(HYPHEN, KEPT)) for name, text in rows]
        narrow = self.width // 3 if self.width < 2 * col_max else col_max
        super().write_dl(kept, min(col_max, narrow), col_spacing)

    def getvalue(self) -> str:
        """Return what has been written."""
        return super().getvalue().replace(KEPT, HYPHEN)


class Context(click.Context):
    """The context of every command, whose help is written by `Formatter`."""

    formatter_class = Formatter


class Choice(click.Choice[str]):
    """One of several words; the message about another one says which one it may mean."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return the message about a word that is none of the choices."""
        hint = near(str(value), self.choices)
        return f"unknown value {value!r}{hint} (allowed: {', '.join(self.choices)})"


class Group(click.Group):
    """The root command, which prints errors written for users without a traceback.

    The exit status is 2 for bad input, 1 for other errors, and 128 more than the number of a signal that
    ended the command: 130 for Ctrl-C.
    """

    context_class = Context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments, which commands that write a page show in it."""
        ctx.meta[COMMAND] = shlex.join(["privbench", *args])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, and turn errors into messages and exit statuses."""
        with interrupt.listening():
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PrivbenchError as error:
            echo_error(str(error))
            ctx.exit(2 if isinstance(error, BadInput) else 1)
        except click.UsageError as error:
            _print_usage_error(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as error:
            status = interrupt.leave(error)
            by = "" if status == 130 else f" by {signal.Signals(status - 128).name}"
            again = f"run the same command again to go on: {ctx.meta[COMMAND]}"
            echo(f"interrupted{by}; {again}", err=True)
            ctx.exit(status)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, and refuse a name that is taken, which click would replace silently."""
        taken = name or cmd.name
        if taken in self.commands:
            raise PrivbenchError(
                f"there is already a command {taken!r}; the plugin must rename its own"
            )
        _use_context(cmd)
        super().add_command(cmd, name)


def _use_context(command: click.Command) -> None:
    """Let the help of a command, and of the commands below it, be written by `Formatter`."""
    command.context_class = Context
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _use_context(below)


def _print_usage_error(error: click.UsageError) -> None:
    """Print what click says of arguments, wrapped and with the usage of the command."""
    if error.ctx is not None:
        echo(error.ctx.get_usage(), err=True)
        echo(f"Try '{error.ctx.command_path} --help' for help.\n", err=True)
    echo_error(error.format_message())
