"""A progress bar of a run from Python, in a terminal or a notebook, which observes it like a plugin."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from privbench.escape import one_line
from privbench.forecast import Forecasts, weights
from privbench.hookspecs import hookimpl
from privbench.plan import Plan
from privbench.plugins.host import PluginHost
from privbench.stages import Stage

FORMAT = "{percentage:3.0f}%|{bar:24}| {elapsed}, {remaining} left  {desc}"


def can_show() -> bool:
    """Return whether somebody sees a progress bar: in a notebook, or if stderr is a terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return (sys.stderr is not None and sys.stderr.isatty()) or (
        shell is not None and "IPKernelApp" in shell.config
    )


@contextmanager
def shown(host: PluginHost, forecasts: Forecasts) -> Iterator[None]:
    """Show a progress bar for the runs that a host is told of."""
    bar = Bar(forecasts)
    host.observe(bar)
    try:
        yield
    finally:
        host.manager.unregister(bar)
        bar.close()


class Bar:
    """Moves by the seconds that stages are estimated to take, so that it knows the time left."""

    def __init__(self, forecasts: Forecasts) -> None:
        self.forecasts = forecasts
        self.bar: Any = None
        self.weights: dict[str, float] = {}
        self.finished = 0.0

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()

    @hookimpl
    def run_started(self, plan: Plan, needed: list[Stage]) -> None:
        """Show a bar for the stages of a run, if there are some to compute."""
        self.close()
        self.weights, self.finished = weights(needed, self.forecasts), 0.0
        if needed:
            self.bar = new_bar(
                total=sum(self.weights.values()), desc=one_line(plan.benchmark.name),
                bar_format=FORMAT, smoothing=0, leave=False,
            )  # fmt: skip

    @hookimpl
    def stage_started(self, stage: Stage) -> None:
        """Show the name of the stage."""
        if self.bar is not None:
            self.bar.set_description_str(f"{one_line(str(stage)):.60}", refresh=False)

    @hookimpl
    def stage_progress(self, stage: Stage, done: int, total: int) -> None:
        """Move the bar within a stage."""
        self._move(self.finished + self.weights.get(stage.key, 0.0) * done / total)

    @hookimpl
    def stage_finished(self, stage: Stage) -> None:
        """Move the bar to the end of a stage."""
        self.finished += self.weights.get(stage.key, 0.0)
        self._move(self.finished)

    def _move(self, place: float) -> None:
        if self.bar is not None:
            self.bar.update(place - self.bar.n)


def new_bar(**options: Any) -> Any:
    """Return a bar of tqdm, which is a widget in a notebook that has ipywidgets, and text elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets tqdm warns, and falls back to text
        from tqdm.auto import tqdm
    return tqdm(**options)
