"""``privbench run``."""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli import complete
from privbench.cli.asking import ask, is_interactive
from privbench.cli.group import Choice
from privbench.cli.options import config_option, json_option, plugin_option, results_option
from privbench.cli.output import COMMAND, echo, painter, print_json, terminal_width
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.cli.failures import Failure
    from privbench.storage.results import Row


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete.benchmarks)
@click.option("--all", "all_", is_flag=True, help="Run all benchmarks of the file.")
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
    shell_complete=complete.components("executor"),
    default="local",
    show_default=True,
    metavar="NAME[PARAMETER=VALUE,...]",
    help="Executor that runs the plan, with its parameters, such as 'ray[address=10.0.0.1:6379]'.",
)
@click.option(
    "--in-process", is_flag=True, envvar="PRIVBENCH_IN_PROCESS",
    help="Run code of plugins in this process, for a debugger, and not in a worker process.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Time that a stage may take in a worker process.",
)  # fmt: skip
@click.option(
    "--memory", metavar="SIZE",
    help="Memory that this process may take, which is forecast, and that a worker process may use,"
    " such as 4GiB.",
)  # fmt: skip
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print what is stored, what would be computed, and which time and memory that takes, and exit.",
)
@click.option(
    "--view", type=Choice(["summary", "utility", "attacks", "records", "differences"]),
    default="summary", show_default=True,
    help="summary: a line per defense. utility: accuracy beside DP-SGD at the same exposure."
    " attacks: a line per attack. records: the most exposed records. differences: each defense less"
    " `none`.",
)  # fmt: skip
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Print how populations are trained, and why; with --dry-run, each stage.",
)
@click.option("--traceback", is_flag=True, help="Print the traceback of each failure to stderr.")
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    all_: bool,
    config: str | None,
    device: str,
    results: str,
    select: str | None,
    settings: tuple[str, ...],
    executor: str,
    in_process: bool,
    timeout: float | None,
    memory: str | None,
    dry_run: bool,
    view: str,
    verbose: bool,
    traceback: bool,
    as_json: bool,
) -> None:
    """Run benchmarks and print their results.

    Without NAME, a terminal asks which benchmark to run. What earlier runs stored is not computed
    again, and Ctrl-C finishes the stage first; twice, it ends at once. The exit status is 0 if all
    trials are ok or skipped, 1 if some failed, took too long or were unavailable, or could not be
    stored, 2 for bad input, and 130 after Ctrl-C.
    """
    from privbench.api import make_plans, make_runner
    from privbench.cli.dry_run import print_plans
    from privbench.cli.failures import explained, failures_of, print_failures
    from privbench.cli.progress import Progress
    from privbench.cli.stopping import Stopping
    from privbench.config import Overrides
    from privbench.config.device import check_device
    from privbench.config.memory import memory_size
    from privbench.executors.named import build_executor
    from privbench.executors.tasks import Limits
    from privbench.forecast import Forecasts
    from privbench.logs.run import early_records
    from privbench.report.differences import Differences, stored_in
    from privbench.report.formats import render
    from privbench.storage.artifacts import Store
    from privbench.storage.times import Times

    host: PluginHost = ctx.obj
    if verbose:
        logging.getLogger("privbench").setLevel(logging.DEBUG)
    check_device(device)
    build_executor(executor, host)
    limits = Limits(timeout, None if memory is None else memory_size(memory))
    names = _chosen(names, all_, config, host, results)
    overrides = Overrides.parse(settings)
    with early_records() as early:
        plans = make_plans(
            names, host, config=config, overrides=overrides, select=select, fetch=not dry_run,
            in_process=in_process, limits=limits,
        )  # fmt: skip
    gc.freeze()  # plans live as long as the run: the collector need not walk through them
    forecasts = Forecasts(Times(results).all(), device)
    if dry_run:
        print_plans(plans, Store(Path(results)), forecasts, as_json=as_json, each=verbose)
        return
    rows: list[Row] = []
    traces: list[str] = []
    failures: list[Failure] = []
    for plan in plans:
        runner = make_runner(
            plan, host, results=results, device=device, executor=executor, in_process=in_process,
            limits=limits,
        )  # fmt: skip
        runner.command = ctx.meta[COMMAND]
        runner.log.add_early(early)
        with Stopping(host, results), explained(runner, ctx), Progress(host, forecasts):
            plan_rows = runner.run()
        rows += plan_rows
        failures += failures_of(runner)
        traces += runner.tracebacks() if traceback else []
        if not as_json:
            remarks = {plan.benchmark.name: plan.remark}
            differences = Differences(stored_in(runner.store))
            width = terminal_width()
            echo(render(plan_rows, "table", view, width, remarks, differences, paint=painter()))
    if as_json:
        print_json(rows)
    for text in dict.fromkeys(traces):
        echo(text, err=True)
    print_failures(failures, ctx)
    if any(row["status"] not in ("ok", "skipped") for row in rows):
        ctx.exit(1)


def _chosen(
    names: tuple[str, ...], all_: bool, config: str | None, host: PluginHost, results: str
) -> tuple[str, ...]:
    """Return the names of the benchmarks to run; without a name, ask for one at a terminal.

    Raises:
        BadInput: there is no name and no terminal. The message lists the benchmarks.
    """
    from privbench.config import find_file, read_file
    from privbench.offer import no_name, offers

    if names and all_:
        raise BadInput(f"--all: all benchmarks run, so leave out {', '.join(map(repr, names))}")
    if names:
        return names
    file = read_file(find_file(config))
    if not file.own.benchmarks and all_:
        raise BadInput(f"{file.path}: the file has no benchmarks")
    if all_:
        return tuple(file.own.benchmarks)
    offered = offers(file, host, results)
    if not is_interactive():
        total = sum(offer.n_trials or 0 for offer in offered)
        raise BadInput(f"{no_name(file, offered)}\ngive names, or --all for all {total:,} trials")
    return (ask([(offer.name, offer.text) for offer in offered]),)
