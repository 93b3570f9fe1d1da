"""``privbench audit``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli.options import json_option, plugin_option
from privbench.cli.output import COMMAND, check_suffix, echo, print_json, write_text
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.auditing import Audit

EXCEEDED = 3
"""The exit status if a limit is exceeded."""
WRITERS: dict[str, Callable[[Audit, str], str]] = {
    ".html": lambda report, command: report.to_html(command),
    ".json": lambda report, command: json.dumps(report.to_json(), indent=1) + "\n",
    ".md": lambda report, command: report.to_markdown(),
}
"""What writes a report to a file, by the suffix of its name."""
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file")
@click.option("--shadow", metavar="FILE", help="Predictions of the adversary's shadow models.")
@click.option(
    "--attack", "attacks", metavar="NAME", multiple=True,
    help="Attack to run. Repeatable. Default: all attacks that the predictions support.",
)  # fmt: skip
@click.option(
    "--set", "settings", metavar="NAME.PARAMETER=VALUE", multiple=True,
    help="Set a parameter of an attack, such as lira.mode=offline. Repeatable.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random draws.")
@click.option(
    "--slice", "slices", metavar="NAME", multiple=True,
    help="Array (records,) of FILE by which the report groups records, as it does by class: texts, or"
    " numbers, which are cut at their quartiles. Repeatable.",
)  # fmt: skip
@click.option(
    "--group", "groups", metavar="NAME",
    help="Array (records,) of FILE that says to whom a record belongs. The records of a group are then"
    " attacked together, and the report is about groups.",
)  # fmt: skip
@click.option(
    "--fail-above", "limits", metavar="METRIC=NUMBER", multiple=True,
    help="Exit with status 3 if the upper end of an attack's 95% interval is above NUMBER. METRIC is"
    " auc, advantage, balanced_accuracy, audited_epsilon, tpr@FPR or precision@FPR, as in"
    " tpr@0.01=0.05. Repeatable.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=FILE, metavar="FILE",
    help="Write the report to FILE (.html, .json or .md) instead of stdout.",
)  # fmt: skip
@click.option(
    "--html", type=FILE, metavar="FILE",
    help="Write the report as a page for readers who are no experts to FILE (.html), too.",
)  # fmt: skip
@click.option(
    "--plot", type=FILE, metavar="FILE",
    help="Draw the ROC curves on log-log axes into FILE (.png, .pdf or .svg).",
)  # fmt: skip
@plugin_option
@json_option
@click.pass_context
def audit(
    ctx: click.Context,
    file: str,
    shadow: str | None,
    attacks: tuple[str, ...],
    settings: tuple[str, ...],
    seed: int,
    slices: tuple[str, ...],
    groups: str | None,
    limits: tuple[str, ...],
    output: Path | None,
    html: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Attack the predictions of trained models.

    The report says how well attacks tell members from non-members. FILE is an .npz or .safetensors
    file with the arrays `logits` (or `probs`), `labels` and `member`; docs/audit.md describes them.
    Regression has `predictions` and `targets` (docs/audit-tasks.md).
    Nothing is trained. Without --shadow, if FILE has two or more models, each model is the target
    in turn and the others are its shadows. The exit status is 1 if an attack failed, and 3 if a limit
    of --fail-above is exceeded.
    """
    from privbench.auditing import run_audit
    from privbench.auditing.limits import parse_limits
    from privbench.config import Overrides
    from privbench.report.plots import check_plot_file, plot_rocs

    if plot is not None:
        check_plot_file(plot)
    if html is not None:
        check_suffix(html, [".html"], "--html")
    if output is not None:
        check_suffix(output, WRITERS)
    allowed = parse_limits(limits)
    host: PluginHost = ctx.obj
    overrides = Overrides.parse(settings)
    report = run_audit(file, shadow, host, list(attacks), overrides, seed, slices, groups)
    if as_json:
        print_json(report.to_json())
    elif output is None:
        echo(report)
    for path, option in ((output, "-o"), (html, "--html")):
        if path is not None:
            write_text(path, WRITERS[path.suffix](report, ctx.meta[COMMAND]), option)
    if plot is not None:
        curves = {name: (result.scores, report.member) for name, result in report.attacks.items()}
        plot_rocs(curves, plot, title=Path(file).name, group=report.blocks)
    exceeded = report.exceeded(allowed)
    for one in exceeded:
        echo(one, err=True)
    if exceeded or report.failed:
        ctx.exit(EXCEEDED if exceeded else 1)
