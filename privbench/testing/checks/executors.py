"""What executors are held to: the rows of `local`, for every task."""

from __future__ import annotations

from privbench.components import Distribution, Entry
from privbench.testing.comparing import far_apart
from privbench.testing.findings import Violation
from privbench.testing.registry import checks
from privbench.testing.subject import Subject


@checks("executor")
def computes_every_trial(subject: Subject) -> None:
    """All trials of a small benchmark have results."""
    reasons = list(subject.results["reasons"])
    if lost := [reason for reason in reasons if reason]:
        raise Violation(f"{len(lost)} of {len(reasons)} trials have no results: {lost[0]}")


@checks("executor", after=("runs", "is_repeatable", "computes_every_trial"))
def rows_are_those_of_local(subject: Subject) -> None:
    """The rows of a small benchmark are those that the executor ``local`` computes."""
    from privbench.executors.local import Local

    local = Entry(Local, Distribution("privbench")).build({}, "local")
    expected = subject.problem_for(local).run(local, 0, 0)
    if change := far_apart(expected, subject.results, 1e-5):
        raise Violation(f"rows differ from those of the executor `local`: {change}")
