"""``privbench table``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.options import results_option
from privbench.cli.output import terminal_width
from privbench.errors import BadInput


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@results_option
@click.option(
    "--format", "format_", type=click.Choice(["table", "markdown", "csv", "latex", "json"]),
    default="table", show_default=True, help="Format to print.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option(
    "--view", type=click.Choice(["summary", "utility", "attacks", "audit", "differences", "rows"]),
    help="summary: a line per defense. utility: accuracy beside DP-SGD at the same exposure."
    " attacks: a line per attack. audit: bounds on epsilon and verdicts. differences: each defense less"
    " another one. rows: all rows."
    " Default: summary; for csv and json: rows.",
)  # fmt: skip
@click.option(
    "--baseline", metavar="NAME",
    help="Defense, or attack, that the view differences compares others with.  [default: none]",
)  # fmt: skip
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of stdout.",
)
def table(
    names: tuple[str, ...],
    results: str,
    format_: str,
    as_json: bool,
    view: str | None,
    baseline: str | None,
    output: Path | None,
) -> None:
    """Print results of earlier runs.

    The results are of the last complete run of each benchmark NAME; without NAME, of all benchmarks.
    Several seeds are combined in one line, but for the view rows.
    """
    from privbench.report.differences import Differences, stored_in
    from privbench.report.formats import render
    from privbench.storage.artifacts import Store
    from privbench.storage.results import Results

    stored = Results(Path(results))
    benchmarks = names or stored.benchmarks()
    if not benchmarks:
        raise BadInput(
            f"there are no results in {stored.path}; run `privbench run quickstart` first"
        )
    rows = [row for name in benchmarks for row in stored.rows(name)]
    width = terminal_width() if output is None else None
    remarks = {name: stored.remark(name) for name in benchmarks}
    differences = Differences(stored_in(Store(Path(results))))
    text = render(rows, "json" if as_json else format_, view, width, remarks, differences, baseline)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"-o {output}: {error.strerror}") from None
