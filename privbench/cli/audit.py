"""``privbench audit``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.options import json_option, plugin_option
from privbench.cli.output import echo, print_json
from privbench.plugins.host import PluginHost


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
    "--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
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
    plot: Path | None,
    as_json: bool,
) -> None:
    """Attack the predictions of trained models.

    The report says how well attacks tell members from non-members. FILE is an .npz or .safetensors
    file with the arrays `logits` (or `probs`), `labels` and `member`; docs/audit.md describes them.
    Nothing is trained. Without --shadow, if FILE has two or more models, each model is the target
    in turn and the others are its shadows. The exit status is 1 if an attack failed.
    """
    from privbench.auditing import read_predictions, run_audit
    from privbench.config import Overrides
    from privbench.report.plots import check_plot_file, plot_rocs

    if plot is not None:
        check_plot_file(plot)
    target = read_predictions(file)
    shadows = None if shadow is None else read_predictions(shadow)
    overrides = Overrides.parse(settings)
    host: PluginHost = ctx.obj
    report = run_audit(target, shadows, host, list(attacks), overrides, seed)
    if as_json:
        print_json(report.to_json())
    else:
        echo(report)
    if plot is not None:
        curves = {name: (result.scores, report.member) for name, result in report.attacks.items()}
        plot_rocs(curves, plot, title=Path(file).name, group=report.groups)
    if report.failed:
        ctx.exit(1)
