"""The progress bar, which observes a run through the same hooks as a plugin."""

from __future__ import annotations

from typing import Any

from rich.progress import (
    BarColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import (
    Progress as RichProgress,
)
from rich.text import Text

from privbench.cli.console import console
from privbench.escape import one_line
from privbench.forecast import Forecasts, weights
from privbench.hookspecs import hookimpl
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.report.numbers import duration
from privbench.stages import Stage
from privbench.storage.results import Row


class TimeLeft(ProgressColumn):
    """The time left: what is to be done takes as long as what is done, by the weights of the stages."""

    def render(self, task: Task) -> Text:
        """Return the time left, or a dash as long as nothing is done."""
        if not task.completed or not task.total or not task.elapsed:
            return Text("-")
        left = task.elapsed * (task.total - task.completed) / task.completed
        return Text(f"{duration(left)} left")


class Progress:
    """Shows stages, trials and the remaining time; without a terminal, a line for each slow stage."""

    def __init__(self, host: PluginHost, forecasts: Forecasts | None = None) -> None:
        self.host = host
        self.forecasts = forecasts or Forecasts([])
        self.bar = RichProgress(
            TextColumn("{task.description}", markup=False),  # labels have brackets
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeLeft(),
            console=console(),
            transient=True,
            disable=not console().is_terminal,
            speed_estimate_period=600.0,  # seconds; a single model may take minutes
        )
        self.task = self.bar.add_task("", total=None)
        self.stages = self.trials = self.done_stages = self.done_trials = 0
        self.finished_weight = 0.0
        self.weights: dict[str, float] = {}
        self.failed_keys: set[str] = set()

    def __enter__(self) -> Progress:
        self.host.observe(self)
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()
        self.host.manager.unregister(self)

    @hookimpl
    def run_started(self, plan: Plan, needed: list[Stage]) -> None:
        """Set the total of the bar."""
        self.stages, self.trials = len(needed), len(plan.trials)
        self.weights = weights(needed, self.forecasts)
        total = sum(self.weights.values())
        self.bar.update(self.task, total=total, description=self._text("starting"))

    @hookimpl
    def stage_started(self, stage: Stage) -> None:
        """Show the name of the stage."""
        self.bar.update(self.task, description=self._text(one_line(str(stage))))

    @hookimpl
    def stage_progress(self, stage: Stage, done: int, total: int) -> None:
        """Move the bar within a stage."""
        within = self.weights.get(stage.key, 0.0) * done / total
        self.bar.update(self.task, completed=self.finished_weight + within)

    @hookimpl
    def stage_finished(self, stage: Stage, status: str, seconds: float) -> None:
        """Move the bar to the end of a stage, and print it if it was slow or failed."""
        self.done_stages += 1
        self.finished_weight += self.weights.get(stage.key, 0.0)
        self.bar.update(self.task, completed=self.finished_weight)
        # A stage whose input failed has the same reason, which was printed.
        is_repeated = any(input.key in self.failed_keys for input in stage.inputs)
        if status != "ok":
            self.failed_keys.add(stage.key)
        if not console().is_terminal and not is_repeated and (seconds >= 1 or status != "ok"):
            console().print(
                f"[{self.done_stages}/{self.stages}] {one_line(str(stage))} {seconds:.1f} s {status}",
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
