"""``privbench leaderboard``, with a file for each of its commands."""

from __future__ import annotations

import click

from privbench.cli.leaderboard.build import build

COMMANDS: tuple[click.Command, ...] = (build,)


@click.group()
def leaderboard() -> None:
    """Build the leaderboard, and take part in it."""


for command in COMMANDS:
    leaderboard.add_command(command)
