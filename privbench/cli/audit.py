"""``privbench audit``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.options import json_option, plugin_option, print_json
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("file")
@click.option("--shadow", metavar="FILE", help="Predictions of models that the adversary trained.")
@click.option(
    "--attack", "attacks", metavar="NAME", multiple=True,
    help="Repeatable. Default: all attacks that the file has what it takes for.",
)  # fmt: skip
@click.option(
    "--set", "settings", metavar="NAME.PARAMETER=VALUE", multiple=True,
    help="Set a parameter of an attack (lira.mode=offline). Repeatable.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of all random draws.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the ROC curves on log-log axes (.png, .pdf or .svg).",
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
    """Attack the predictions in FILE: how well can members be told from others?

    FILE is .npz or .safetensors with arrays `logits` (or `probs`), `labels` and `member`; see
    docs/audit.md. Nothing is trained. Without --shadow, if FILE has two models or more, each is the
    target in turn and the others are its shadows. Exit status 1 if an attack failed.
    """
    from privbench.auditing import read_predictions
    from privbench.auditing.report import run_audit
    from privbench.config import Overrides
    from privbench.report.plots import check_plot_file, plot_rocs

    if plot is not None:
        check_plot_file(plot)
    target = read_predictions(file)
    shadows = None if shadow is None else read_predictions(shadow)
    overrides = Overrides.parse(settings)
    host: PluginHost = ctx.obj
    found = run_audit(target, shadows, host, list(attacks), overrides, seed)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo(str(found))
    if plot is not None:
        curves = {name: (report.scores, found.member) for name, report in found.attacks.items()}
        plot_rocs(curves, plot, title=Path(file).name, group=found.groups)
    if found.failed:
        ctx.exit(1)
