"""``privbench report``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli import complete
from privbench.cli.options import results_option
from privbench.cli.output import echo


@click.command()
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.results
)
@results_option
@click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR", help="Folder to write to; it gets a folder for each benchmark.",
)  # fmt: skip
def report(names: tuple[str, ...], results: str, output: Path) -> None:
    """Write all tables and plots of runs.

    Each NAME is a file that `privbench export NAME` wrote, whose name ends in .json, or a benchmark.
    DIR/BENCHMARK gets the tables summary.md, utility.md, attacks.md and differences.md, and the plots
    tradeoff-auc.png and tradeoff-tpr.png.
    """
    from privbench.report.pages import write_pages
    from privbench.report.source import open_run

    for name in names:
        for path in write_pages(open_run(name, results), output):
            echo(path)
