"""``privbench leaderboard``, with a file for each of its commands."""

from __future__ import annotations

import click

from privbench.cli.leaderboard.export import export
from privbench.cli.leaderboard.merge import merge
from privbench.cli.leaderboard.verify import verify

COMMANDS: tuple[click.Command, ...] = (export, verify, merge)


@click.group()
def leaderboard() -> None:
    """Build the leaderboard, and take part in it."""


for command in COMMANDS:
    leaderboard.add_command(command)
