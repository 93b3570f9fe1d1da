"""``privbench table``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli import complete
from privbench.cli.group import Choice
from privbench.cli.options import EXCEEDED, limits_option, results_option, run_option
from privbench.cli.output import COMMAND, check_suffix, echo, painter, terminal_width, write_text
from privbench.colour import plain
from privbench.errors import BadInput
from privbench.escape import one_line

if TYPE_CHECKING:
    from privbench.report.source import Source


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
@limits_option("auc, audited_epsilon, tpr@FPR or precision@FPR, as in tpr@0.01=0.05")
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
    limits: tuple[str, ...],
) -> None:
    """Print results of earlier runs.

    The results are of the last complete run of each benchmark NAME; without NAME, of all benchmarks.
    A NAME that ends in .json is a file that `privbench export NAME` wrote.
    Several seeds are combined in one line, but for the view rows. --fail-above judges each row of each
    seed, but not those of the defense none beside other defenses, and of canaries only audited_epsilon.
    """
    from privbench.report.limits import parse_limits, rows_exceeding
    from privbench.report.source import open_source

    if html is not None:
        check_suffix(html, [".html"], "--html")
    format_ = "json" if as_json else format_
    if blocks and format_ != "table":
        raise BadInput(f"--blocks: only with --format table, not {format_}")
    parsed = parse_limits(limits)
    source = open_source(names, results, run_id)
    exceeded = rows_exceeding(source.rows, parsed)
    if html is not None:
        from privbench.report.html.results import results_page

        write_text(html, results_page(source, ctx.meta[COMMAND]), "--html")
    else:
        _print_or_write(source, format_, view, baseline, blocks, output)
    for one in exceeded:
        echo(one_line(str(one)), err=True)
    if exceeded:
        ctx.exit(EXCEEDED)


def _print_or_write(
    source: Source,
    format_: str,
    view: str | None,
    baseline: str | None,
    blocks: bool,
    output: Path | None,
) -> None:
    from privbench.report.formats import render

    width = terminal_width() if output is None else None
    text = render(
        source.rows, format_, view, width, source.remarks, source.differences, baseline,
        plain if output else painter(), blocks,
    )  # fmt: skip
    if output is None:
        echo(text, nl=False)
        return
    write_text(output, text)
