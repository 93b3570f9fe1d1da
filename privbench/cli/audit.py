"""``privbench audit``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli import complete
from privbench.cli.delivery import Delivery, attack_options, report_options
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("file", shell_complete=complete.files)
@click.option(
    "--shadow",
    metavar="FILE",
    shell_complete=complete.files,
    help="Predictions of the adversary's shadow models.",
)
@click.option(
    "--holdout", metavar="FILE", shell_complete=complete.files,
    help="Predictions on records that no model was trained on, if FILE has only members.",
)  # fmt: skip
@click.option("--label", metavar="NAME", help="Column of the labels. Default: label or labels.")
@click.option("--member", metavar="NAME", help="Column of the membership. Default: member.")
@click.option(
    "--columns", metavar="NAME,...",
    help="Columns of a table with the probabilities, or logits. Default: found out.",
)  # fmt: skip
@click.option(
    "--positive", metavar="CLASS", help="Class that a single column of probabilities is about."
)
@click.option("--id", metavar="NAME", help="Column that identifies records.")
@click.option(
    "--model", metavar="NAME", help="Column of a table that says which model a line is about."
)
@attack_options
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
@report_options
@click.pass_context
def audit(
    ctx: click.Context,
    file: str,
    shadow: str | None,
    holdout: str | None,
    label: str | None,
    member: str | None,
    columns: str | None,
    positive: str | None,
    id: str | None,
    model: str | None,
    attacks: tuple[str, ...],
    settings: tuple[str, ...],
    seed: int,
    slices: tuple[str, ...],
    groups: str | None,
    delivery: Delivery,
) -> None:
    """Attack the predictions of trained models.

    The report says how well attacks tell members from non-members. Nothing is trained.

    FILE is a table (.csv, .csv.gz, .parquet) with a line for each record: a column for the probability
    of each class (or one, of two classes), the label, and whether it is a member. Or it is a file
    (.npz, .safetensors, .pt) with the arrays `logits` (or `probs`), `labels` and `member`.

    docs/audit.md describes both, and docs/audit-tasks.md the arrays `predictions` and `targets` of
    regression. Options that name columns name arrays, too. Without --shadow, if
    FILE has two or more models, each model is the target in turn and the others are its shadows. The
    exit status is 1 if an attack failed, 2 if FILE cannot be used or no attack applies to it, and 3 if
    a limit of --fail-above is exceeded.
    """
    from privbench.auditing import run_audit
    from privbench.auditing.layout import Layout
    from privbench.config import Overrides

    host: PluginHost = ctx.obj
    overrides = Overrides.parse(settings)
    names = tuple(name.strip() for name in columns.split(",")) if columns else ()
    layout = Layout(label, member, names, positive, id, model)
    report = run_audit(
        file,
        shadow,
        host,
        list(attacks),
        overrides,
        seed,
        slices,
        groups,
        holdout=holdout,
        layout=layout,
    )
    delivery.deliver(ctx, report, Path(file).name)
