"""``privbench plot``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from privbench.canaries import CANARY_KINDS
from privbench.cli import complete
from privbench.cli.group import Choice
from privbench.cli.options import config_option, plugin_option, results_option, run_option
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.plan import Plan
    from privbench.trial import Trial

F = TypeVar("F", bound=Callable[..., Any])

output_option = click.option(
    "-o", "--output", required=True, metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path), help="File to write (.png, .pdf or .svg).",
)  # fmt: skip
subset_option = click.option(
    "--subset", type=Choice(["records", "canaries", *CANARY_KINDS]), default="records",
    show_default=True, metavar="NAME",
    help="Ordinary `records` of the first population, or `canaries` of the second: all, or a kind.",
)  # fmt: skip


def plan_options(function: F) -> F:
    """Add the options that choose a benchmark and its trials, as in ``privbench run``."""
    options = (
        click.argument("name", shell_complete=complete.results),
        output_option,
        click.option("-k", "select", metavar="EXPR", help="Trials to use, as in `privbench run`."),
        click.option("--set", "settings", metavar="KEY=VALUE", multiple=True,
                     help="Override that was given to `privbench run`. Repeatable."),
        config_option,
        plugin_option,
        results_option,
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@click.group()
def plot() -> None:
    """Draw results of earlier runs."""


@plot.command()
@plan_options
@subset_option
@click.pass_obj
def roc(host: PluginHost, /, name: str, output: Path, subset: str, **options: Any) -> None:
    """Draw ROC curves with 95% intervals.

    The curves are of the trials of benchmark NAME, on log-log axes. Use -k to choose trials, for
    example -k 'none and adaptive'.
    """
    from privbench.report.plots import check_plot_file, plot_rocs

    check_plot_file(output)
    plan = _plan(host, name, **_plan_part(options))
    trials = [trial for trial in plan.trials if trial.rejected is None]
    scored = {trial: _scores(plan, trial, subset, options["results"]) for trial in trials}
    if not scored:
        raise BadInput(f"benchmark {name!r} has no trial that could run")
    curves = {_label(trial, trials): pair for trial, pair in scored.items()}
    plot_rocs(curves, output, title=f"{name} ({subset})")


@plot.command()
@click.argument("name", required=False, shell_complete=complete.results)
@run_option
@output_option
@click.option(
    "--measure", type=Choice(["auc", "tpr"]), default="auc", show_default=True,
    help="Measure of exposure: AUC, or TPR at 1% FPR, of auto or the best attack.",
)  # fmt: skip
@click.option(
    "--baseline", default="dp-sgd", show_default=True, metavar="DEFENSE",
    help="Defense whose sweep is drawn as the frontier.",
)  # fmt: skip
@results_option
def tradeoff(
    name: str | None, run_id: str | None, output: Path, measure: str, baseline: str, results: str
) -> None:
    """Draw test accuracy against exposure.

    There is a point for each defense of benchmark NAME, at its exposure to auto, or else to the best
    attack. The best points of the baseline make its frontier. A NAME that ends in .json is a file
    that `privbench export NAME` wrote.
    """
    from privbench.report.source import open_run
    from privbench.report.tradeoff import plot_tradeoff

    plot_tradeoff(open_run(name, results, run_id).run.rows, output, measure, baseline)


@plot.command()
@click.option(
    "-n", "number", type=click.IntRange(min=1, max=50), default=8, show_default=True,
    help="Number of records.",
)  # fmt: skip
@plan_options
@click.pass_obj
def samples(host: PluginHost, /, name: str, output: Path, number: int, **options: Any) -> None:
    """Draw what generators make of images.

    The images are training records of the first model of benchmark NAME: the originals, decoded
    without noise, and decoded with the noise of the latent mechanisms.
    """
    from privbench.report.plots import check_plot_file
    from privbench.report.samples import images_of, plot_samples
    from privbench.storage.artifacts import Store

    check_plot_file(output)
    plan = _plan(host, name, **_plan_part(options))
    images = images_of(plan, plan.trials, Store(Path(options["results"])), number)
    plot_samples(images, output, title=name)


@plot.command()
@click.argument("record", type=click.IntRange(min=0))
@plan_options
@subset_option
@click.pass_obj
def record(
    host: PluginHost, /, record: int, name: str, output: Path, subset: str, **options: Any
) -> None:
    """Draw histograms of one record's scores.

    There is a histogram for its IN and one for its OUT models. RECORD is the number of the record
    in its subset, from 0. Use -k to choose a single trial of benchmark NAME.
    """
    from privbench.report.plots import check_plot_file, plot_record

    check_plot_file(output)
    plan = _plan(host, name, **_plan_part(options))
    trials = [trial for trial in plan.trials if trial.rejected is None]
    if len(trials) != 1:
        listed = ", ".join(map(str, trials[:4]))
        raise BadInput(f"-k must choose one trial, but it chooses {len(trials)}: {listed}")
    scores, member = _scores(plan, trials[0], subset, options["results"])
    if record >= scores.shape[1]:
        raise BadInput(
            f"RECORD {record}: there is no such record (allowed: 0..{scores.shape[1] - 1})"
        )
    title = f"{trials[0]}, {subset} {record}"
    plot_record(scores[:, record], member[:, record], output, title)


def _plan_part(options: dict[str, Any]) -> dict[str, Any]:
    return {key: options[key] for key in ("config", "select", "settings")}


def _plan(
    host: PluginHost, name: str, config: str | None, select: str | None, settings: tuple[str, ...]
) -> Plan:
    from privbench.api import make_plans
    from privbench.config import Overrides
    from privbench.executors.workers.forking import runs_in_process
    from privbench.report.document import SUFFIXES

    if name.endswith(SUFFIXES):
        raise BadInput(
            f"NAME {name!r}: this plot needs the scores of a run, which an exported file does not have"
            " (allowed: the name of a benchmark)"
        )
    overrides = Overrides.parse(settings)
    (plan,) = make_plans(
        [name], host, config=config, overrides=overrides, select=select, fetch=False,
        in_process=runs_in_process(),
    )  # fmt: skip
    return plan


def _scores(
    plan: Plan, trial: Trial, subset: str, results: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the stored scores and the membership (models, records of the subset) of a trial."""
    from privbench.components.faults import calling
    from privbench.stages import MetricsStage
    from privbench.storage.artifacts import Store
    from privbench.units import Units

    metrics = [stage for stage in trial.metrics if isinstance(stage, MetricsStage)]
    stages = [stage for stage in metrics if subset in (stage.setting.subset, stage.canary_kind)]
    if not stages:
        names = {name: None for m in metrics for name in (m.setting.subset, m.canary_kind) if name}
        what = "canaries" if subset == "canaries" else "canaries of this kind"
        raise BadInput(
            f"--subset {subset}: benchmark {trial.benchmark!r} has no {what}"
            f" (allowed: {', '.join(names)})"
        )
    artifact = Store(Path(results)).load("scores", stages[0].scores.key)
    if artifact is None:
        raise BadInput(
            f"{trial} has no stored scores in {results}; run `privbench run {trial.benchmark}` first"
        )
    setting, attack = stages[0].setting.draw(plan.data.get), stages[0].scores.attack
    kind = stages[0].canary_kind if subset in CANARY_KINDS else None
    units = Units.of(setting, stages[0].setting.subset, kind)
    with calling(attack):
        add = attack.component.adds_up()
    return units.scores(artifact.arrays["scores"], add=add), units.member


def _label(trial: Trial, among: list[Trial]) -> str:
    """Return the parts of a trial's name in which it differs from some of the others."""
    names = ("dataset", "defense", "model", "attack", "knowledge", "seed")
    varied = [part for part in names if len({getattr(t, part) for t in among}) > 1] or ["attack"]
    return " / ".join(str(getattr(trial, part)) for part in varied)
