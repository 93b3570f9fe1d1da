"""``privbench audit``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.delivery import Delivery, attack_options, report_options
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("file")
@click.option("--shadow", metavar="FILE", help="Predictions of the adversary's shadow models.")
@attack_options
@click.option(
    "--slice", "slices", metavar="NAME", multiple=True,
    help="Array (records,) of FILE by which the report groups records, as it does by class: texts, or"
    " numbers, which are cut at their quartiles. Repeatable.",
)  # fmt: skip
@report_options
@click.pass_context
def audit(
    ctx: click.Context,
    file: str,
    shadow: str | None,
    attacks: tuple[str, ...],
    settings: tuple[str, ...],
    seed: int,
    slices: tuple[str, ...],
    delivery: Delivery,
) -> None:
    """Attack the predictions of trained models.

    The report says how well attacks tell members from non-members. FILE is an .npz or .safetensors
    file with the arrays `logits` (or `probs`), `labels` and `member`; docs/audit.md describes them.
    Nothing is trained. Without --shadow, if FILE has two or more models, each model is the target
    in turn and the others are its shadows. The exit status is 1 if an attack failed, and 3 if a limit
    of --fail-above is exceeded.
    """
    from privbench.auditing import run_audit
    from privbench.config import Overrides

    host: PluginHost = ctx.obj
    overrides = Overrides.parse(settings)
    report = run_audit(file, shadow, host, list(attacks), overrides, seed, slices)
    delivery.deliver(ctx, report, Path(file).name)
