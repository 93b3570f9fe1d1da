"""Run benchmarks from Python, as the command line does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.arguments import names_arguments
from privbench.config import Overrides, find_file, read_file, resolve
from privbench.config.device import check_device
from privbench.config.memory import memory_size
from privbench.config.selection import selector, unmatched
from privbench.datasets.loading import Datasets
from privbench.errors import BadInput
from privbench.executors.loading import loader
from privbench.executors.named import build_executor
from privbench.executors.tasks import Limits
from privbench.executors.workers.forking import AVAILABLE, runs_in_process, start_early
from privbench.plan import Plan, check_plans, make_plan
from privbench.plugins.host import PluginHost
from privbench.runner import Runner
from privbench.storage.artifacts import Store
from privbench.storage.results import Results, Row

if TYPE_CHECKING:
    import pandas as pd

LISTED = ("dataset", "model", "attack")
"""The kinds of components that a benchmark lists itself."""


def make_plans(
    names: Iterable[str],
    host: PluginHost,
    *,
    config: str | Path | None = None,
    overrides: Overrides | None = None,
    select: str | None = None,
    fetch: bool = True,
    in_process: bool = True,
    limits: Limits | None = None,
) -> list[Plan]:
    """Return the plans of benchmarks.

    Args:
        names: names of benchmarks.
        host: the plugins.
        config: path of benchmarks.toml; `find_file` says which one is the default.
        overrides: what ``--set`` gives.
        select: which trials, such as ``"lira and not naive"``. Plans without trials are left out.
        fetch: whether to download missing datasets.
        in_process: whether third-party code runs in this process. If not, third-party datasets are
            loaded in a worker process; and the process that workers are forked from is started before
            anything is planned, unless nothing is fetched, and so nothing will be run.
        limits: what loading a third-party dataset may take.

    Raises:
        BadInput: the message names the key, the value and what is allowed.
    """
    file = read_file(find_file(config))
    selected = selector(select)
    overrides = overrides or Overrides()
    benchmarks = [
        resolve(file, name, host.registries, overrides, host.broken)
        for name in dict.fromkeys(names)
    ]
    components = {f"{kind}s": host.registry(kind).entries for kind in LISTED}
    overrides.check({"defenses": file.defenses, **components})
    if fetch and not in_process and any(benchmark.runs_plugins for benchmark in benchmarks):
        start_early()
    elsewhere = None if in_process or not AVAILABLE else loader(host, limits or Limits())
    datasets = Datasets(fetch, elsewhere)
    names_of_trials: list[str] = []

    def is_selected(name: str) -> bool:
        names_of_trials.append(name)
        return selected(name)

    plans = [make_plan(benchmark, is_selected, datasets) for benchmark in benchmarks]
    found = any(plan.trials for plan in plans)
    check_plans(plans, "" if found else unmatched(select or "", names_of_trials))
    remark = ", ".join([*overrides.texts(), *([f"-k {select!r}"] if select else [])])
    return [replace(plan, remark=remark) for plan in plans if plan.trials]


def make_runner(
    plan: Plan,
    host: PluginHost,
    *,
    results: str | Path,
    device: str,
    executor: str = "local",
    in_process: bool | None = None,
    limits: Limits | None = None,
) -> Runner:
    """Return the runner of a plan.

    Args:
        plan: the plan.
        host: the plugins.
        results: folder of the results database and the stored artifacts.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        executor: name of the executor, and its parameters in brackets.
        in_process: whether third-party code runs in this process; by default not, unless the
            environment variable PRIVBENCH_IN_PROCESS says so.
        limits: what a task may take in a worker.

    Raises:
        BadInput: the folder cannot be made, or there is no such device or executor.
    """
    root = _folder(results)
    bound = build_executor(executor, host)
    runner = Runner(plan, host, Store(root), Results(root), bound.component, check_device(device))
    runner.in_process = runs_in_process() if in_process is None else in_process
    runner.limits = limits or Limits()
    return runner


def run_plan(plan: Plan, host: PluginHost, **options: Any) -> list[Row]:
    """Run a plan and return its rows, which are also appended to the results database.

    The options are those of `make_runner`.
    """
    return make_runner(plan, host, **options).run()


def _folder(results: str | Path) -> Path:
    try:
        Path(results).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"--results {results}: the folder cannot be made: {error.strerror}"
        ) from None
    return Path(results)


@names_arguments
def run(
    *names: str,
    config: str | Path | None = None,
    plugins: str | Path | Iterable[str | Path] = (),
    results: str | Path = "results",
    device: str = "auto",
    executor: str = "local",
    select: str | None = None,
    set: Mapping[str, Any] | None = None,
    progress: bool = True,
    in_process: bool | None = None,
    timeout: float | None = None,
    memory: str | None = None,
) -> pd.DataFrame:
    """Run benchmarks and return their rows: for records and each kind of canaries of a trial.

    Args:
        names: names of benchmarks.
        config: path of a benchmarks.toml; default the one in the current folder, or else the one that
            ships with privbench.
        plugins: a module or a single file to load as a plugin, or several.
        results: folder of the results database and the stored artifacts.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        executor: name of the executor that runs the plan, and its parameters in brackets; ``local``
            is this process.
        select: which trials to run, such as ``"lira and not naive"``.
        set: keys and parameters to override, such as ``{"mlp.epochs": 5, "population": 8}``.
        progress: whether to show a progress bar, in a notebook or a terminal.
        in_process: whether code of plugins runs in this process, and not in a worker process; by default
            not, unless the environment variable PRIVBENCH_IN_PROCESS says so.
        timeout: seconds that a stage may take in a worker process.
        memory: memory that this process may take, which is forecast, and that a worker process may
            use, such as ``"4GiB"``.

    Returns:
        A DataFrame with the columns that docs/rows.md describes.

    Raises:
        BadInput: the message names the key, the value and what is allowed. Without names, it lists
            the benchmarks that there are.
    """
    from privbench.forecast import Forecasts
    from privbench.offer import no_name, offers
    from privbench.progress import can_show, shown
    from privbench.report.frame import to_frame
    from privbench.storage.times import Times

    for name in names:
        if not isinstance(name, str):
            raise BadInput(f'run: {name!r} is not a name; write privbench.run("one", "another")')
    if set is not None and not isinstance(set, Mapping):
        raise BadInput(f'run: set: {set!r} is not a dict; write set={{"mlp.epochs": 5}}')
    several = [plugins] if isinstance(plugins, str | Path) else plugins
    host = PluginHost(map(str, several))
    if not names:
        file = read_file(find_file(config))
        raise BadInput(f"run: {no_name(file, offers(file, host, results))}")
    if timeout is not None and not timeout > 0:
        raise BadInput(f"run: timeout: {timeout!r} is out of bounds (allowed: more than 0)")
    limits = Limits(timeout, None if memory is None else memory_size(memory, "run: memory"))
    overrides = Overrides(dict(set or {}))
    rows: list[Row] = []
    in_process = runs_in_process() if in_process is None else in_process
    plans = make_plans(
        names, host, config=config, overrides=overrides, select=select, in_process=in_process,
        limits=limits,
    )  # fmt: skip
    forecasts = Forecasts(Times(results).all(), check_device(device))
    with shown(host, forecasts) if progress and can_show() else nullcontext():
        for plan in plans:
            rows += run_plan(
                plan, host, results=results, device=device, executor=executor,
                in_process=in_process, limits=limits,
            )  # fmt: skip
    return to_frame(rows)
