"""The component under test, and its results on a tiny problem."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from privbench.components import Bound, Component, Distribution, Entry
from privbench.components.contained import contained
from privbench.components.faults import calling
from privbench.errors import BadInput, Incompatible, PrivbenchError
from privbench.plugins.checks import check_class
from privbench.testing.findings import NotApplicable, Outcome, Violation

if TYPE_CHECKING:
    from privbench.testing.problems.base import Problem, Results

T = TypeVar("T")

PROBLEMS = {
    ("attack", "models"): "attacks:OfModels",
    ("attack", "releases"): "releases:OfReleases",
    ("mechanism", "data"): "mechanisms:OfData",
    ("mechanism", "latent"): "mechanisms:OfCodes",
    ("mechanism", "output"): "mechanisms:OfOutputs",
    ("mechanism", "training"): "training:OfTraining",
    ("generator", ""): "generators:OfGenerators",
    ("model", "torch"): "training:OfNetworks",
    ("model", "estimator"): "training:OfEstimators",
    ("dataset", ""): "datasets:OfDatasets",
    ("executor", ""): "executors:OfExecutors",
}
"""The class of the tiny problem of each kind and role, below `privbench.testing.problems`."""


def role_of(cls: type[Component]) -> str:
    """Return the role of a component among those of its kind; empty if the kind has one role only."""
    if cls.kind == "mechanism":
        return str(getattr(cls, "acts_on", ""))
    if cls.kind == "attack":
        from privbench.attacks.synthetic import SyntheticAttack

        return "releases" if issubclass(cls, SyntheticAttack) else "models"
    if cls.kind == "model":
        from privbench.models.base import EstimatorModel

        return "estimator" if issubclass(cls, EstimatorModel) else "torch"
    return ""


@dataclass(eq=False)
class Subject:
    """A component under test. What several checks need of it is computed once.

    Attributes:
        cls: the class of the component.
        params: the values of parameters with which it is tried.
        inert: parameters that change nothing in the tiny problems, and why.
    """

    cls: type[Component]
    params: Mapping[str, Any] = field(default_factory=dict)
    inert: Mapping[str, str] = field(default_factory=dict)
    outcomes: dict[str, tuple[Outcome, str]] = field(default_factory=dict)
    """What came of the checks that have run, by name, with the reason."""

    @property
    def name(self) -> str:
        """Kind and name of the component."""
        return f"{self.cls.kind} {getattr(self.cls, 'name', self.cls.__qualname__)}"

    @property
    def role(self) -> str:
        """Its role among those of its kind."""
        return role_of(self.cls)

    @cached_property
    def entry(self) -> Entry:
        """The class as a plugin would have registered it. Raises PrivbenchError if it is refused."""
        with contained():
            check_class(self.cls, self.cls.kind)
        return Entry(self.cls, Distribution(self.cls.__module__))

    def build(self, **changes: Any) -> Bound:
        """Return the component with its parameters and some changes, as benchmarks.toml would.

        Raises:
            BadInput: a value is refused.
        """
        return self.entry.build({**self.params, **changes}, self.cls.name)

    @cached_property
    def bound(self) -> Bound:
        """The component with its parameters."""
        try:
            return self.build()
        except BadInput as error:
            missing = [name for name in self.required if name not in self.params]
            if missing:
                raise NotApplicable(
                    f"{', '.join(missing)} has no default: give a value in `params`"
                ) from error
            raise

    @property
    def required(self) -> list[str]:
        """Names of the parameters without a default."""
        return [name for name, info in self.cls.model_fields.items() if info.is_required()]

    @cached_property
    def problem(self) -> Problem:
        """The tiny problem on which it is tried."""
        return self.problem_for(self.bound)

    def problem_for(self, bound: Bound) -> Problem:
        """Return the tiny problem for the component, maybe with other parameters."""
        module, _, name = PROBLEMS[self.cls.kind, self.role].partition(":")
        cls = getattr(importlib.import_module(f"privbench.testing.problems.{module}"), name)
        problem: Problem = call(bound, lambda: cls(bound))
        return problem

    @cached_property
    def results(self) -> Results:
        """What it returns for the problem."""
        return self.run()

    @cached_property
    def changes(self) -> list[str]:
        """What settings of the process it changes while it runs, with the states of generators."""
        names: list[str] = []
        inputs = self.problem.inputs()

        def run() -> None:
            with contained(changes=names):
                self.problem.run(self.bound, inputs, 0)

        with contained(changes=[]):
            seed_globals(54321)
            call(self.bound, run)
        return names

    def run(self, bound: Bound | None = None, *, variant: int = 0, seed: int = 0) -> Results:
        """Return what the component returns for fresh inputs, maybe with other parameters.

        Raises:
            Violation: it raised an error, or returned what it must not.
            NotApplicable: it cannot be run on such a problem, as it says itself.
        """
        chosen = bound or self.bound
        problem = self.problem if bound is None else self.problem_for(bound)
        return self.run_on(problem, chosen, problem.inputs(variant), seed)

    def run_on(
        self, problem: Problem, bound: Bound, inputs: Any, seed: int = 0, *, of_globals: int = 0
    ) -> Results:
        """Return what a component returns for inputs, with the global random generators seeded.

        They are put back afterwards. So a component that draws from them is as repeatable as others, and
        fails one check.

        Args:
            problem: what hands the component its inputs.
            bound: the component.
            inputs: those of the problem, maybe changed.
            seed: that of the random draws.
            of_globals: that of the global generators.
        """
        with contained(changes=[]):
            seed_globals(of_globals)
            results: Results = call(bound, lambda: problem.run(bound, inputs, seed))
        return results


def seed_globals(seed: int) -> None:
    """Seed the global random generators of Python, NumPy and torch."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def call(bound: Bound, function: Callable[[], T]) -> T:
    """Return what a call of a component returns; what it raises is a violation that names its line."""
    try:
        with contained(), calling(bound):
            return function()
    except Incompatible as error:
        raise NotApplicable(str(error)) from error
    except PrivbenchError as error:
        raise Violation(str(error)) from error
