"""Options that several commands of ``privbench leaderboard`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def about_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add options for what participants say of what they submit."""
    options = (
        click.option("--authors", default="", help="Who made it."),
        click.option("--paper", default="", metavar="URL", help="Its paper."),
        click.option("--code-url", default="", metavar="URL", help="Its code."),
    )
    for option in reversed(options):
        command = option(command)
    return command
