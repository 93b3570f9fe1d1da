"""``privbench audit-data``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.delivery import Delivery, attack_options, report_options
from privbench.plugins.host import PluginHost


@click.command("audit-data")
@click.option(
    "--train", metavar="FILE", required=True, help="The rows that the generator was trained on."
)
@click.option(
    "--holdout", metavar="FILE", required=True,
    help="Rows of the same source that it was not trained on; as many, if there are.",
)  # fmt: skip
@click.option("--synthetic", metavar="FILE", required=True, help="What the generator released.")
@click.option(
    "--reference", metavar="FILE",
    help="Further rows of the same source, as the adversary may have. Default: a random half of the"
    " holdout, which is then not attacked.",
)  # fmt: skip
@click.option(
    "--shadow", metavar="DIR",
    help="Folder of shadow tables: NAME.csv, released by the generator, and NAME.members.csv, the rows"
    " that it was trained on.",
)  # fmt: skip
@click.option(
    "--generator", metavar="FILE.py",
    help="Python file with generate(table, seed, n), with which shadow tables are made here.",
)  # fmt: skip
@click.option(
    "--shadows", type=int, metavar="N", default=16, show_default=True,
    help="Number of shadow tables that --generator makes.",
)  # fmt: skip
@click.option(
    "--cache", metavar="DIR", default="results/shadow-tables", show_default=True,
    help="Folder that keeps what --generator makes. Delete it if the generator changes in what FILE.py"
    " does not show.",
)  # fmt: skip
@click.option(
    "--categorical", metavar="COLUMN", multiple=True,
    help="Column of numbers to treat as words, such as a postcode. Repeatable.",
)  # fmt: skip
@click.option(
    "--drop", metavar="COLUMN", multiple=True,
    help="Column to leave out, such as a record number. Repeatable.",
)  # fmt: skip
@attack_options
@report_options
@click.pass_context
def audit_data(
    ctx: click.Context,
    train: str,
    holdout: str,
    synthetic: str,
    reference: str | None,
    shadow: str | None,
    generator: str | None,
    shadows: int,
    cache: str,
    categorical: tuple[str, ...],
    drop: tuple[str, ...],
    attacks: tuple[str, ...],
    settings: tuple[str, ...],
    seed: int,
    delivery: Delivery,
) -> None:
    """Attack a synthetic table.

    The report says how well the rows that a synthetic table was made from are told from other rows of
    the same source. Tables are CSV or Parquet files with the same columns: numbers or words, with
    holes. docs/audit-data.md says what each attack can see. The exit status is 1 if an attack failed,
    and 3 if a limit of --fail-above is exceeded.
    """
    from privbench.auditing.limits import check_limits
    from privbench.auditing.synthetic.run import Options, run_audit_data
    from privbench.config import Overrides

    host: PluginHost = ctx.obj
    check_limits(delivery.limits)
    options = Options(
        reference, shadow, generator, shadows, cache, attacks, categorical, drop, seed
    )
    overrides = Overrides.parse(settings)
    report = run_audit_data(train, holdout, synthetic, options, host, overrides)
    delivery.deliver(ctx, report, Path(synthetic).name)
