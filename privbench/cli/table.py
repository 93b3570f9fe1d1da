"""``privbench table``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli import complete
from privbench.cli.group import Choice
from privbench.cli.options import results_option, run_option
from privbench.cli.output import COMMAND, check_suffix, echo, painter, terminal_width, write_text
from privbench.colour import plain
from privbench.errors import BadInput


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete.results)
@run_option
@results_option
@click.option(
    "--format", "format_", type=Choice(["table", "markdown", "csv", "latex", "json"]),
    default="table", show_default=True, help="Format to print.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option(
    "--view",
    type=Choice(["summary", "utility", "attacks", "records", "audit", "differences", "rows"]),
    help="summary: a line per defense. utility: accuracy beside DP-SGD at the same exposure."
    " attacks: a line per attack. records: the most exposed records. audit: bounds on epsilon and"
    " verdicts. differences: each defense less another one. rows: all rows."
    " Default: summary; for csv and json: rows.",
)  # fmt: skip
@click.option(
    "--baseline", metavar="NAME",
    help="Defense, or attack, that the view differences compares others with.  [default: none, or the"
    " first]",
)  # fmt: skip
@click.option(
    "--blocks", is_flag=True,
    help="Print a block for each line of a table, with all columns below each other. So is what a narrow"
    " terminal has no room for otherwise.",
)  # fmt: skip
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of stdout.",
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write a page with all views, for readers who are no experts, to FILE (.html) instead.",
)  # fmt: skip
@click.pass_context
def table(
    ctx: click.Context,
    names: tuple[str, ...],
    run_id: str | None,
    results: str,
    format_: str,
    as_json: bool,
    view: str | None,
    baseline: str | None,
    blocks: bool,
    output: Path | None,
    html: Path | None,
) -> None:
    """Print results of earlier runs.

    The results are of the last complete run of each benchmark NAME; without NAME, of all benchmarks.
    A NAME that ends in .json is a file that `privbench export NAME` wrote.
    Several seeds are combined in one line, but for the view rows.
    """
    from privbench.report.formats import render
    from privbench.report.source import open_source

    if html is not None:
        check_suffix(html, [".html"], "--html")
    source = open_source(names, results, run_id)
    if html is not None:
        from privbench.report.html.results import results_page

        write_text(html, results_page(source, ctx.meta[COMMAND]), "--html")
        return
    format_ = "json" if as_json else format_
    if blocks and format_ != "table":
        raise BadInput(f"--blocks: only with --format table, not {format_}")
    width = terminal_width() if output is None else None
    text = render(
        source.rows, format_, view, width, source.remarks, source.differences, baseline,
        plain if output else painter(), blocks,
    )  # fmt: skip
    if output is None:
        echo(text, nl=False)
        return
    write_text(output, text)
