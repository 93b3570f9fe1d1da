"""``privbench leaderboard export``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from privbench.cli.leaderboard.options import about_options
from privbench.cli.options import plugin_option, results_option
from privbench.cli.output import echo, write_text
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("benchmark")
@click.argument("defense")
@plugin_option
@results_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    required=True, help="Write to FILE (.json).",
)  # fmt: skip
@click.option(
    "--name", help="Name of the submission: letters, digits, dots, hyphens.  [default: DEFENSE]"
)
@about_options
@click.option("--contact", default="", help="Whom to ask.")
@click.pass_context
def export(
    ctx: click.Context,
    benchmark: str,
    defense: str,
    results: str,
    output: Path,
    name: str | None,
    authors: str,
    paper: str,
    code_url: str,
    contact: str,
) -> None:
    """Write a defense's rows as a submission to the leaderboard.

    The rows are those of the last complete run of BENCHMARK: of DEFENSE, which is a label or the name
    of a defense with a sweep, and of the baselines `none` and `public-only`. The file also has every
    stage behind them, with its key and a digest of its artifact, and where they come from. `privbench
    table FILE` reads it. The code must be that of the run.
    """
    from privbench.errors import BadInput
    from privbench.leaderboard.submissions.eligibility import not_eligible
    from privbench.leaderboard.submissions.merging import SUFFIX
    from privbench.leaderboard.submissions.names import checked_name, checked_url, name_of
    from privbench.leaderboard.submissions.submission import About, export_submission

    host: PluginHost = ctx.obj
    for option, url in (("--paper", paper), ("--code-url", code_url)):
        checked_url(url, option)
    if output.suffix != SUFFIX:
        raise BadInput(f"-o {output}: unknown format {output.suffix!r} (allowed: {SUFFIX})")
    about = About(
        checked_name(name, "--name") if name is not None else name_of(defense),
        authors, paper, code_url, contact,
    )  # fmt: skip
    text = export_submission(benchmark, defense, host, results=results, about=about)
    write_text(output, text)
    if reason := not_eligible(json.loads(text)["configuration"]):
        echo(f"{output}: not eligible for the leaderboard of privbench: {reason}", err=True)
    echo(f"next: privbench leaderboard verify {output}", err=True)
