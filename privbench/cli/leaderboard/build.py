"""``privbench leaderboard build``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.options import results_option
from privbench.cli.output import echo
from privbench.errors import BadInput


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@results_option
@click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR", help="Folder to write to: an empty one, or one with an earlier site.",
)  # fmt: skip
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Folder of what `merge` added and of the log of errata, errata.md.",
)  # fmt: skip
def build(names: tuple[str, ...], results: str, output: Path, data: Path | None) -> None:
    """Write the leaderboard as a static site.

    Each NAME is a file that `privbench export NAME` wrote, whose name ends in .json, or a benchmark;
    without any, all benchmarks of the results folder. Open DIR/index.html, or serve DIR by any web host.
    """
    from privbench.leaderboard.pages import write_site
    from privbench.leaderboard.site import make_site
    from privbench.leaderboard.submissions.errata import read_errata
    from privbench.leaderboard.submissions.merging import (
        judgements_in,
        reported_in,
        submissions_in,
    )
    from privbench.report.source import open_run
    from privbench.storage.results import Results

    names = names or tuple(Results(Path(results)).benchmarks())
    if not names:
        raise BadInput(f"there are no results in {results}; run `privbench run quickstart` first")
    if data is not None and not data.is_dir():
        raise BadInput(f"--data {data}: there is no such folder")
    submissions = () if data is None else submissions_in(data)
    reported = () if data is None else reported_in(data)
    judgements = () if data is None else judgements_in(data)
    errata = () if data is None else read_errata(data / "errata.md")
    documents = [open_run(name, results) for name in names]
    site = make_site(documents, submissions, reported, errata, judgements)
    written = write_site(site, output)
    pages = sum(path.suffix == ".html" for path in written)
    on_boards = {board.benchmark for board in site.boards}
    for benchmark in dict.fromkeys(document.run.benchmark for document in documents):
        if benchmark not in on_boards:
            echo(f"{benchmark}: no board, since no attack on a model is ok")
    echo(f"{output / 'index.html'}: {pages} pages")
