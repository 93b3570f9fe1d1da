"""``privbench leaderboard``, with a file for each of its commands."""

from __future__ import annotations

import click

from privbench.cli.leaderboard.attack import attack
from privbench.cli.leaderboard.build import build
from privbench.cli.leaderboard.export import export
from privbench.cli.leaderboard.freeze import freeze
from privbench.cli.leaderboard.judge import judge
from privbench.cli.leaderboard.merge import merge
from privbench.cli.leaderboard.verify import verify

COMMANDS: tuple[click.Command, ...] = (build, export, verify, merge, freeze, attack, judge)


@click.group()
def leaderboard() -> None:
    """Build the leaderboard, and take part in it."""


for command in COMMANDS:
    leaderboard.add_command(command)
