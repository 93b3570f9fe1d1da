"""``privbench leaderboard verify``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def verify(file: Path) -> None:
    """Check a submission: its form, its digest, and that it is consistent.

    The exit status is 2 if FILE is refused, with the reasons.
    """
    from privbench.leaderboard.consistency import read_submission

    content = read_submission(file)
    click.echo(f"{file}: consistent, {len(content['rows'])} rows")
