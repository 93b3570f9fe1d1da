"""Define the hooks. A plugin is a module that implements some of them:

import privbench

class Certainty(privbench.Attack):
    '''Log-probability of the predicted class.'''
    name = "certainty"

    def score(self, view):
        return view.target.log_prob_of(view.target.predicted)

@privbench.hookimpl
def register_attacks(register):
    register(Certainty)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from privbench.components import Component
    from privbench.plan import Plan
    from privbench.stages import Stage

Register = Callable[["type[Component]"], None]

hookspec = pluggy.HookspecMarker("privbench")
hookimpl = pluggy.HookimplMarker("privbench")


@hookspec
def register_datasets(register: Register) -> None:
    """Register subclasses of ``privbench.Dataset``."""


@hookspec
def register_generators(register: Register) -> None:
    """Register subclasses of ``privbench.Generator``."""


@hookspec
def register_mechanisms(register: Register) -> None:
    """Register subclasses of ``DataMechanism``, ``LatentMechanism``, ``PerExampleLoss``,
    ``TrainingLoop`` or ``OutputMechanism``."""


@hookspec
def register_models(register: Register) -> None:
    """Register subclasses of ``privbench.TorchModel`` or ``privbench.EstimatorModel``."""


@hookspec
def register_attacks(register: Register) -> None:
    """Register subclasses of ``privbench.Attack``."""


@hookspec
def register_executors(register: Register) -> None:
    """Register subclasses of ``privbench.Executor``."""


@hookspec
def register_commands(cli: click.Group) -> None:
    """Add commands to the command line: ``cli.add_command(my_command)``."""


@hookspec
def run_started(plan: Plan, needed: list[Stage]) -> None:
    """Called when a run begins; ``needed`` are the stages that it will compute and store."""


@hookspec
def stage_started(stage: Stage) -> None:
    """Called before a stage is computed."""


@hookspec
def stage_progress(stage: Stage, done: int, total: int) -> None:
    """Called when ``done`` of ``total`` equal parts of a stage are computed."""


@hookspec
def stage_finished(stage: Stage, status: str, seconds: float) -> None:
    """Called after a stage, with status ``ok``, ``failed``, or ``skipped`` (incompatible parts)."""


@hookspec
def trial_finished(rows: list[dict[str, Any]]) -> None:
    """Called after a trial, whatever its status, with one row for records and each kind of canaries.

    Their ``verdict`` is None: it is known after all trials.
    """


@hookspec
def run_finished(rows: list[dict[str, Any]]) -> None:
    """Called after all trials, with all rows."""
