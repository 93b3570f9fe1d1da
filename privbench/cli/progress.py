"""The progress bar: an observer of a run, like any plugin could be."""

from __future__ import annotations

from typing import Any

from rich.progress import (
    BarColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as RichProgress,
)

from privbench.cli.console import console
from privbench.hookspecs import hookimpl
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.stages import Stage
from privbench.storage.results import Row


class Progress:
    """Shows stages, trials and the time left; on a log file, one line for each finished stage."""

    def __init__(self, host: PluginHost) -> None:
        self.host = host
        self.bar = RichProgress(
            TextColumn("{task.description}", markup=False),  # labels have brackets
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console(),
            transient=True,
            disable=not console().is_terminal,
        )
        self.task = self.bar.add_task("", total=None)
        self.total = self.stages = self.trials = self.done_stages = self.done_trials = 0
        self.base = 0.0  # weight of the stages that have finished
        self.broken: set[str] = set()  # keys of the stages that have no artifact

    def __enter__(self) -> Progress:
        self.host.observe(self)
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()
        self.host.manager.unregister(self)

    @hookimpl
    def run_started(self, plan: Plan, needed: list[Stage]) -> None:
        """Learn how much there is to do."""
        self.stages, self.trials = len(needed), len(plan.trials)
        total = sum(_weight(stage) for stage in needed)
        self.bar.update(self.task, total=total, description=self._text("starting"))

    @hookimpl
    def stage_started(self, stage: Stage) -> None:
        """Name the stage."""
        self.bar.update(self.task, description=self._text(str(stage)))

    @hookimpl
    def stage_progress(self, stage: Stage, done: int, total: int) -> None:
        """Move the bar within the stage."""
        self.bar.update(self.task, completed=self.base + _weight(stage) * done / total)

    @hookimpl
    def stage_finished(self, stage: Stage, status: str, seconds: float) -> None:
        """Move the bar to the end of the stage."""
        self.done_stages += 1
        self.base += _weight(stage)
        self.bar.update(self.task, completed=self.base)
        inherited = any(one.key in self.broken for one in stage.inputs)  # the same reason again
        if status != "ok":
            self.broken.add(stage.key)
        if not console().is_terminal and not inherited and (seconds >= 1 or status != "ok"):
            console().print(
                f"[{self.done_stages}/{self.stages}] {stage} {seconds:.1f} s {status}",
                markup=False,
                soft_wrap=True,
            )

    @hookimpl
    def trial_finished(self, rows: list[Row]) -> None:
        """Count the trial."""
        self.done_trials += 1
        self.bar.update(self.task, description=self._text("", keep=True))

    def _text(self, current: str, *, keep: bool = False) -> str:
        if not keep:
            self.current = current
        counts: Any = (
            f"stages {self.done_stages}/{self.stages}  trials {self.done_trials}/{self.trials}"
        )
        return f"{counts}  {self.current:.50}"


def _weight(stage: Stage) -> float:
    return stage.weight
