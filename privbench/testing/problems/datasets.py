"""The records of a dataset that is here already."""

from __future__ import annotations

from typing import Any

from privbench.components import Bound
from privbench.datasets.loading import problem_of
from privbench.errors import DatasetUnavailable
from privbench.testing.findings import NotApplicable, Violation
from privbench.testing.problems.base import Problem, Results


class OfDatasets(Problem):
    """A dataset is handed nothing. One that would have to be downloaded is not tried."""

    def inputs(self, variant: int = 0) -> None:
        """Return nothing."""
        return None

    def run(self, bound: Bound, inputs: None, seed: int) -> Results:
        """Return all records."""
        if missing := bound.component.to_download():
            raise NotApplicable(f"it is not on this machine: {missing}")
        try:
            data = bound.component.load()
        except DatasetUnavailable as error:
            raise NotApplicable(f"it is not on this machine: {error}") from error
        if problem := problem_of(data):
            raise Violation(problem)
        groups = {} if data.groups is None else {"groups": data.groups}
        return {"x": data.x, "y": data.y, **groups}

    def protected(self, inputs: None) -> Any:
        """Return nothing."""
        return None
