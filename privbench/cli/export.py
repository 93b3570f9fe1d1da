"""``privbench export``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli import complete
from privbench.cli.options import results_option, run_option
from privbench.cli.output import echo


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete.results)
@run_option
@results_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write to FILE (.json, or .json.gz, a tenth of the size) instead of stdout.",
)  # fmt: skip
def export(names: tuple[str, ...], run_id: str | None, results: str, output: Path | None) -> None:
    """Write a run as one JSON file, for tables and plots.

    The file has the rows of the last complete run of benchmark NAME, how well their differences are
    known, their ROC curves, the resolved benchmark, versions, hardware, and the commit of the code
    that ran. `privbench table FILE`, `privbench plot tradeoff FILE`, `privbench report FILE` and
    `privbench leaderboard build FILE` read it.

    Several NAMEs are files of the same benchmark with different seeds, made on several machines or one
    after the other. They become one file, as if they had been one run.
    """
    from privbench.errors import BadInput
    from privbench.report.document import SUFFIXES, document_text, write_document
    from privbench.report.joined import join_seeds
    from privbench.report.source import open_run

    if output is not None and not output.name.endswith(SUFFIXES):
        allowed = ", ".join(SUFFIXES)
        raise BadInput(f"-o {output}: unknown format {output.suffix!r} (allowed: {allowed})")
    if len(names) > 1 and run_id is not None:
        raise BadInput(f"--run {run_id}: a run has a benchmark, so leave out {', '.join(names)}")
    if len(set(names)) < len(names):
        raise BadInput(f"{', '.join(names)}: the same twice (allowed: files with different seeds)")
    document = join_seeds({str(name): open_run(name, results, run_id) for name in names or (None,)})
    text = document_text(document.run, document.differences.errors, document.curves)
    if output is None:
        echo(text, nl=False)
    else:
        write_document(output, text)
