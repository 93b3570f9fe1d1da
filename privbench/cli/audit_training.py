"""``privbench audit-training``."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from privbench.cli.delivery import Delivery, attack_options, report_options
from privbench.cli.group import Choice
from privbench.cli.options import results_option
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost


@click.command("audit-training")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--name", "names", metavar="ROLE=NAME", multiple=True,
    help="Name in FILE of what it defines otherwise as ROLE: train, data, x, y, model, member,"
    " reference_x or reference_y. Repeatable.",
)  # fmt: skip
@click.option(
    "--models", type=int, default=16, show_default=True, help="Number of models to train."
)
@click.option(
    "--canaries", type=float, default=0.0, show_default=True, metavar="SHARE",
    help="Share of records that get a wrong label in a second population, which shows the worst case.",
)  # fmt: skip
@click.option(
    "--jobs", type=int, default=1, show_default=True, help="Number of processes that train."
)
@click.option(
    "--task", type=Choice(["auto", "classification", "regression", "multi-label"]), default="auto",
    show_default=True,
    help="What the labels are; auto: numbers with fractions are targets of a regression, and several"
    " columns several labels.",
)  # fmt: skip
@click.option("--fresh", is_flag=True, help="Train again what is stored.")
@results_option
@attack_options
@click.option(
    "--slice", "slices", metavar="NAME", multiple=True,
    help="Column of the DataFrame x by which the report groups records. Repeatable.",
)  # fmt: skip
@click.option("--traceback", is_flag=True, help="Print the traceback of each failure to stderr.")
@report_options
@click.pass_context
def audit_training(
    ctx: click.Context,
    file: Path,
    names: tuple[str, ...],
    models: int,
    canaries: float,
    jobs: int,
    task: str,
    fresh: bool,
    results: str,
    attacks: tuple[str, ...],
    settings: tuple[str, ...],
    seed: int,
    slices: tuple[str, ...],
    traceback: bool,
    delivery: Delivery,
) -> None:
    """Train models with your own code, and attack them.

    FILE is a Python file that defines `train(x, y, seed)`, which returns a trained model, and its data:
    `x` and `y`, or a function `data()` that returns them. Models are trained on random halves of the
    records; each is the target in turn, with the others as its shadows. If FILE also defines `model`
    and `member` (a mask of the records that it was trained on), that model is the target.
    docs/audit-training.md has examples.

    What models answer is stored, so that the same command goes on where an earlier one stopped. The
    exit status is 1 if a model or an attack failed, and 3 if a limit of --fail-above is exceeded.
    """
    from privbench.auditing.training import Request, run_training_audit
    from privbench.auditing.training.script import read_script
    from privbench.config import Overrides

    if traceback:
        logging.getLogger("privbench.auditing.training").setLevel(logging.DEBUG)
    host: PluginHost = ctx.obj
    overrides = Overrides.parse(settings)
    defined = read_script(file, dict(_pair(text) for text in names))
    request = Request(
        **defined,
        models=models,
        canaries=canaries,
        jobs=jobs,
        results=Path(results),
        fresh=fresh,
        attacks=list(attacks),
        seed=seed,
        slices=list(slices),
        name=file.name,
        task=task,
    )
    delivery.deliver(ctx, run_training_audit(request, host, overrides), file.name)


def _pair(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not equals or not name:
        raise BadInput(f"--name {text}: write ROLE=NAME, such as train=fit_forest")
    return role, name
