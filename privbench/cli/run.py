"""``privbench run``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli.options import config_option, json_option, plugin_option, results_option
from privbench.cli.output import echo, print_json, terminal_width
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.plan import Plan
    from privbench.storage.artifacts import Store
    from privbench.storage.results import Row


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@config_option
@plugin_option
@click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:i]",
    help="Device to compute on.",
)  # fmt: skip
@results_option
@click.option(
    "-k", "select", metavar="EXPR",
    help="Run only the trials whose names match, such as 'lira and not naive'.",
)  # fmt: skip
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True,
    help="Override a key of the benchmark (population=8) or a parameter (mlp.epochs=5). Repeatable.",
)  # fmt: skip
@click.option(
    "--executor",
    default="local",
    show_default=True,
    metavar="NAME",
    help="Executor that runs the plan.",
)
@click.option(
    "--dry-run", is_flag=True, help="Print what is stored and what would be computed, and exit."
)
@click.option(
    "--view", type=click.Choice(["summary", "utility", "attacks", "records", "differences"]),
    default="summary", show_default=True,
    help="summary: a line per defense. utility: accuracy beside DP-SGD at the same exposure."
    " attacks: a line per attack. records: the most exposed records. differences: each defense less"
    " `none`.",
)  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="Print how populations are trained, and why.")
@click.option("--traceback", is_flag=True, help="Print the traceback of each failure to stderr.")
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    config: str | None,
    device: str,
    results: str,
    select: str | None,
    settings: tuple[str, ...],
    executor: str,
    dry_run: bool,
    view: str,
    verbose: bool,
    traceback: bool,
    as_json: bool,
) -> None:
    """Run benchmarks and print their results.

    Without NAME, all benchmarks of the file are run. What earlier runs stored is not computed
    again. The exit status is 0 if all trials are ok or skipped, 1 if some failed or were
    unavailable, and 2 for bad input.
    """
    from privbench.api import make_plans, make_runner
    from privbench.cli.progress import Progress
    from privbench.config import Overrides, find_file, read_file
    from privbench.config.device import check_device
    from privbench.report.differences import Differences, stored_in
    from privbench.report.formats import render
    from privbench.storage.artifacts import Store

    host: PluginHost = ctx.obj
    if verbose:
        logging.getLogger("privbench").setLevel(logging.DEBUG)
    check_device(device)
    host.registry("executor").get(executor, "--executor")
    if not names and not read_file(find_file(config)).own.benchmarks:
        raise BadInput(f"{find_file(config)}: the file has no benchmarks")
    overrides = Overrides.parse(settings)
    plans = make_plans(
        names, host, config=config, overrides=overrides, select=select, fetch=not dry_run
    )
    if dry_run:
        _print_plans(plans, Store(Path(results)), as_json)
        return
    rows: list[Row] = []
    traces: list[str] = []
    for plan in plans:
        runner = make_runner(plan, host, results=results, device=device, executor=executor)
        with Progress(host):
            plan_rows = runner.run()
        rows += plan_rows
        traces += runner.tracebacks() if traceback else []
        if not as_json:
            remarks = {plan.benchmark.name: plan.remark}
            differences = Differences(stored_in(runner.store))
            echo(render(plan_rows, "table", view, terminal_width(), remarks, differences))
    if as_json:
        print_json(rows)
    for text in dict.fromkeys(traces):
        echo(text, err=True)
    if any(row["status"] not in ("ok", "skipped") for row in rows):
        ctx.exit(1)


def _print_plans(plans: list[Plan], store: Store, as_json: bool) -> None:
    stages = [line for plan in plans for line in _stage_lines(plan, store)]
    rejected = [
        {"trial": str(trial), "status": trial.rejected.status, "reason": trial.rejected.reason}
        for plan in plans
        for trial in plan.trials
        if trial.rejected
    ]
    if as_json:
        print_json({"stages": stages, "rejected": rejected})
        return
    for line in stages:
        echo(f"{line['status']:10}  {line['stage']:12}  {line['key'][:8]}  {one_line(line['of'])}")
    for line in rejected:
        echo(f"{line['status']:10}  " + one_line(f"{line['trial']}: {line['reason']}"))
    trials = sum(len(plan.trials) for plan in plans)
    count = sum(line["status"] == "compute" for line in stages)
    echo(f"{trials} trials; {len(stages)} stages, {count} to compute")


def _stage_lines(plan: Plan, store: Store) -> list[dict[str, str]]:
    from privbench.runner import needed

    compute = {stage.key for stage in needed(plan, store)}
    lines = []
    for stage in plan.stages:
        if stage.stored:
            stored = store.has(stage.kind, stage.key)
            status = "compute" if stage.key in compute else "stored" if stored else "not needed"
            lines.append(
                {
                    "benchmark": plan.benchmark.name,
                    "status": status,
                    "stage": stage.kind,
                    "of": stage.title,
                    "key": stage.key,
                }
            )
    return lines
