"""``privbench export``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.options import results_option
from privbench.cli.output import echo, write_text


@click.command()
@click.argument("name")
@results_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write to FILE (.json) instead of stdout.",
)  # fmt: skip
def export(name: str, results: str, output: Path | None) -> None:
    """Write a run as one JSON file, from which tables and plots are made.

    The file has the rows of the last complete run of benchmark NAME, how well their differences are
    known, the resolved benchmark, versions, hardware, and the commit of the code that ran. `privbench
    table FILE`, `privbench plot tradeoff FILE` and `privbench report FILE` read it.
    """
    from privbench.errors import BadInput
    from privbench.report.document import SUFFIX, document_text
    from privbench.report.source import open_run

    if output is not None and output.suffix != SUFFIX:
        raise BadInput(f"-o {output}: unknown format {output.suffix!r} (allowed: {SUFFIX})")
    document = open_run(name, results)
    text = document_text(document.run, document.differences.errors)
    if output is None:
        echo(text, nl=False)
    else:
        write_text(output, text)
