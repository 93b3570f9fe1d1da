"""How a component runs: seeded, without traces, whatever ran before."""

from __future__ import annotations

from privbench.testing.comparing import far_apart
from privbench.testing.findings import NotApplicable, Violation
from privbench.testing.problems.base import arrays_of
from privbench.testing.registry import checks
from privbench.testing.subject import Subject, call

GLOBAL = "random numbers of "
"""How the names of the states of global random generators begin, see `components.switches`."""


@checks(after=("is_accepted",))
def runs(subject: Subject) -> None:
    """It runs on a tiny problem, and what it returns has the right type, shape and range."""
    assert subject.results is not None


@checks(after=("runs",))
def is_repeatable(subject: Subject) -> None:
    """The same seed gives the same results, in a new instance as well."""
    first = subject.results
    for how, bound in (("a second call", subject.bound), ("a new instance", subject.build())):
        if change := far_apart(first, subject.run(bound)):
            raise Violation(
                f"{how} with the same seed gives other results: {change};"
                " draw from the given rng only, and keep nothing between calls"
            )


@checks()
def draws_from_no_global_generator(subject: Subject) -> None:
    """It neither draws from nor seeds the global generators of random, NumPy and torch."""
    moved = [name for name in subject.changes if name.startswith(GLOBAL)]
    if subject.role in ("training", "torch"):  # modules draw from torch's, which the engine seeds
        moved = [name for name in moved if not name.endswith("torch")]
    if moved:
        raise Violation(f"it changed the state of global {' and '.join(moved)}; use the given rng")
    problem = subject.problem
    other = subject.run_on(problem, subject.bound, problem.inputs(), of_globals=12345)
    if change := far_apart(subject.results, other):
        raise Violation(
            f"results depend on the seeds of global random generators: {change}; use the given rng"
        )


@checks(after=("runs",))
def leaves_the_process_alone(subject: Subject) -> None:
    """It changes no setting of the process: streams, folder, environment, threads, default types."""
    if changed := [name for name in subject.changes if not name.startswith(GLOBAL)]:
        raise Violation(f"it changed {', '.join(changed)}")


@checks(after=("runs",))
def leaves_its_inputs_alone(subject: Subject) -> None:
    """It does not write into arrays that are not its own copies, and works where they are read-only."""
    problem, bound = subject.problem, subject.bound
    inputs = problem.inputs()
    if not any(arrays_of(problem.protected(inputs))):
        raise NotApplicable("it is handed no array, or its own copies only")
    before = {name: array.copy() for name, array in arrays_of(problem.protected(inputs))}
    call(bound, lambda: problem.run(bound, inputs, 0))
    for name, array in arrays_of(problem.protected(inputs)):
        if array.shape != before[name].shape or array.tobytes() != before[name].tobytes():
            raise Violation(f"it changed {name} in place; change a copy")
    frozen = problem.inputs()
    for _, array in arrays_of(problem.protected(frozen)):
        array.setflags(write=False)
    call(bound, lambda: problem.run(bound, frozen, 0))


@checks("attack", "mechanism", "generator", "model")
def remembers_nothing(subject: Subject) -> None:
    """Results do not depend on what it was run on before."""
    first = subject.results
    subject.run(variant=1)
    if change := far_apart(first, subject.run()):
        raise Violation(
            f"after it ran on other records its results are others: {change}; keep nothing between calls"
        )
