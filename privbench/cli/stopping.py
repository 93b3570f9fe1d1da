"""Let the first Ctrl-C of a run only ask, and say what is kept when the run ends early."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from privbench import interrupt
from privbench.cli.output import echo
from privbench.hookspecs import hookimpl
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.plan import Plan
    from privbench.stages import Stage
    from privbench.storage.results import Row


class Stopping:
    """Observes a run to say how many of its trials have rows if it is interrupted."""

    def __init__(self, host: PluginHost, results: str) -> None:
        self.host = host
        self.results = results
        self.planned = self.finished = 0
        self._exits = ExitStack()

    def __enter__(self) -> Stopping:
        self.host.observe(self)
        self._exits.callback(self.host.manager.unregister, self)
        self._exits.enter_context(interrupt.patient())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._exits.close()
        if self.planned and kind is not None and issubclass(kind, KeyboardInterrupt):
            echo(
                f"{self.finished} of {self.planned} trials have their rows in {self.results}, and what"
                " was computed for others is stored",
                err=True,
            )

    @hookimpl
    def run_started(self, plan: Plan, needed: list[Stage]) -> None:
        """Note how many trials there are."""
        interrupt.check()
        self.planned = len(plan.trials)

    @hookimpl
    def trial_finished(self, rows: list[Row]) -> None:
        """Count the trial."""
        self.finished += 1
