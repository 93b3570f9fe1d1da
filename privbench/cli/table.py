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
    default="table", show_default=True, help="How to print it.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--view", type=click.Choice(["summary", "utility", "attacks", "rows"]),
    help="A line a defense, what it costs beside DP-SGD, a line an attack, or all rows."
    " Default: summary; rows for csv and json.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
def table(
    names: tuple[str, ...],
    results: str,
    format_: str,
    as_json: bool,
    view: str | None,
    output: Path | None,
) -> None:
    """Print tables from stored rows: the last run of each benchmark NAME, or of all of them."""
    from privbench.report.formats import render
    from privbench.storage.results import Results

    stored = Results(Path(results))
    chosen = names or stored.benchmarks()
    if not chosen:
        raise BadInput(
            f"there are no results in {stored.path}; `privbench run quickstart` makes some"
        )
    rows = [row for name in chosen for row in stored.rows(name)]
    width = terminal_width() if output is None else None
    remarks = {name: stored.remark(name) for name in chosen}
    text = render(rows, "json" if as_json else format_, view, width, remarks)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"-o {output}: {error.strerror}") from None
