"""What failed in a run: the last lines of its log, and the command that reproduces one trial alone."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from privbench.cli.options import PLUGINS
from privbench.cli.output import COMMAND, echo, painted
from privbench.cli.runs.log import record_text
from privbench.config.selection import exactly
from privbench.escape import one_line
from privbench.plugins.installed import OPTION

if TYPE_CHECKING:
    from privbench.runner import Runner

MAX_FAILURES, MAX_LINES, MAX_CHARACTERS = 3, 3, 200
"""Failures that are printed, records and lines of the traceback of each, and characters of a line."""
REPEATED = ("config", "settings", "device", "results")
"""Options of `privbench run` that the command repeats, beside plugins."""
LIMITS = ("timeout", "memory")
"""Options that it repeats if the failure is that of a worker process, which has limits."""


@dataclass
class Failure:
    """Why trials have no result: one reason, and all trials that share it."""

    run: int
    benchmark: str
    reason: str
    traceback: str
    stage: str
    """The stage that failed; empty if it failed before there was one."""
    lines: list[str]
    """What its code logged last."""
    trials: dict[str, None] = field(default_factory=dict)
    """Their names, in the order of the plan."""


def failures_of(runner: Runner) -> list[Failure]:
    """Return what failed in a run, each reason once; what was skipped or unavailable is no failure."""
    found: dict[str, Failure] = {}
    for trial in runner.plan.trials:
        stages = [stage for stage in trial.results if stage.key in runner.failures]
        reasons = [runner.failures[stage.key] for stage in stages]
        for result in reasons if trial.rejected is None else [trial.rejected]:
            if result.status not in ("failed", "timeout"):
                continue
            if result.reason not in found:
                name = _failed_stage(runner, result.reason)
                records = runner.log.recent.get(name, ())
                found[result.reason] = Failure(
                    runner.log.run or 0, runner.plan.benchmark.name, result.reason, result.traceback,
                    name, [f"{one['level']}: {one['message']}" for one in records],
                )  # fmt: skip
            found[result.reason].trials[str(trial)] = None
    return list(found.values())


def print_failures(failures: Iterable[Failure], ctx: click.Context) -> None:
    """Print failures on stderr: at most a screen, whatever there is.

    Args:
        failures: of all runs of a command.
        ctx: the context of `privbench run`.
    """
    every = list(failures)
    for failure in every[:MAX_FAILURES]:
        first, n_more = next(iter(failure.trials)), len(failure.trials) - 1
        others = f" and {n_more:,} more" if n_more else ""
        echo(painted("failed:", "bad", err=True), f" {_cut(failure.reason)}", err=True)
        echo(f"  trial: {_cut(first)}{others}", err=True)
        if failure.stage:
            echo(f"  stage: {_cut(failure.stage)}", err=True)
        for line in [*failure.lines[-MAX_LINES:], *_end_of(failure.traceback)]:
            echo(f"  {_cut(line)}", err=True)
        echo("  ", painted("to see it alone:", "heading", err=True), err=True)
        # What raised has a traceback, and raises here, too; what ended its process would end this one.
        in_process = bool(failure.traceback)
        command = command_for(ctx, failure.benchmark, first, in_process=in_process)
        echo(f"    {command}", err=True)
    for run in dict.fromkeys(failure.run for failure in every):
        n_hidden = sum(failure.run == run for failure in every[MAX_FAILURES:])
        more = f"; it has {n_hidden} other failures" if n_hidden else ""
        echo(f"log: `{_log_command(run, ctx)}`{more}", err=True)


@contextmanager
def explained(runner: Runner, ctx: click.Context) -> Iterator[None]:
    """Print the last lines of the log of a run that ends by an error, which goes on to be raised."""
    try:
        yield
    except Exception:
        if runner.log.run is not None:
            echo(painted("the run ended early; last of its log:", "bad", err=True), err=True)
            for values in list(runner.log.last)[-MAX_LINES:]:
                echo(f"  {_cut(record_text(values))}", err=True)
            echo(f"log: `{_log_command(runner.log.run, ctx)}`", err=True)
            echo(f"to go on: `{one_line(ctx.meta[COMMAND])}`", err=True)
        raise


def command_for(ctx: click.Context, benchmark: str, trial: str, *, in_process: bool) -> str:
    """Return the command that runs one trial, as a shell takes it.

    Args:
        ctx: the context of `privbench run`.
        benchmark: the name of the trial's benchmark.
        trial: the name of the trial.
        in_process: whether it runs in one process, as debuggers need it.
    """
    words = ["privbench", "run", benchmark]
    for plugin in ctx.meta.get(PLUGINS, ()):
        words += ["-p", plugin]
    for name in ctx.obj.switched_off:  # whether by this option or by PRIVBENCH_LOAD_PLUGINS
        words += [OPTION, name]
    options = {option.name: option for option in ctx.command.params}
    for name in REPEATED if in_process else (*REPEATED, *LIMITS):
        value = ctx.params.get(name)
        if value and ctx.get_parameter_source(name) != ParameterSource.DEFAULT:
            flag = max(options[name].opts, key=len)
            for one in value if isinstance(value, tuple) else [value]:
                words += [flag, str(one)]
    words += ["-k", exactly(trial)]
    added = ["--in-process"] if in_process else []
    return shlex.join([*words, *added, "--traceback", "-v"])


def _log_command(run: int, ctx: click.Context) -> str:
    words = ["privbench", "runs", "log", str(run), "--level", "error"]
    if ctx.get_parameter_source("results") == ParameterSource.COMMANDLINE:
        words += ["--results", ctx.params["results"]]
    return shlex.join(words)


def _failed_stage(runner: Runner, reason: str) -> str:
    """Return the name of the first stage that failed for a reason; its inputs come before it."""
    for stage in runner.plan.stages:
        failure = runner.failures.get(stage.key)
        if failure is not None and failure.reason == reason:
            return str(stage)
    return ""


def _end_of(traceback: str) -> Iterator[str]:
    """Yield the last lines of a traceback that say where: the file, and the code there."""
    lines = [line.strip() for line in traceback.splitlines()]
    places = [i for i, line in enumerate(lines) if line.startswith("File ")]
    if places:
        yield from lines[places[-1] : places[-1] + 2]


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}…"
