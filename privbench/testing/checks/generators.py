"""What generators are held to: new records, and the same ones however they are fitted and stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from privbench.generators.base import Generator
from privbench.testing.comparing import far_apart
from privbench.testing.findings import NotApplicable, Violation
from privbench.testing.registry import checks
from privbench.testing.subject import Subject, call

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_COPIES = 0.1
"""Share of drawn records that may be copies of training records, and of these that a state may hold."""


@checks("generator", after=("runs",))
def draws_new_records(subject: Subject) -> None:
    """``sample`` does not return the training set: at most a tenth of what it draws are copies."""
    copied = _copied(subject, subject.results["x"], subject.problem.inputs().x)
    if copied > MOST_COPIES:
        raise Violation(
            f"{copied:.0%} of the records that sample draws are copies of training records"
        )


@checks("generator", after=("runs",))
def state_is_not_the_training_set(subject: Subject) -> None:
    """``state`` does not hold the training set: at most a tenth of its records are rows of an array."""
    from privbench.generators.checks import checked_state

    problem: Any = subject.problem
    data, bound = problem.inputs(), subject.bound

    def stored() -> Any:
        (fitted,) = problem.fit_all(bound, [data], [0])
        return checked_state(fitted.state(), bound.name)

    state = call(bound, stored)
    if state is None:
        raise NotApplicable("it has no state, which no attack is handed then")
    for name, array in state.items():
        copied = max((_copied(subject, data.x, rows) for rows in _rows(array, data.x)), default=0.0)
        if copied > MOST_COPIES:
            raise Violation(
                f"{copied:.0%} of the training records are rows of state()[{name!r}], which attacks with"
                " observes = 'generator' are handed; keep what sampling needs instead, such as fitted"
                " parameters"
            )


def _copied(subject: Subject, records: NDArray[Any], others: NDArray[Any]) -> float:
    """Return the share of records that are among others, as near as no two drawn ones are."""
    import numpy as np

    from privbench.attacks.synthetic import nearest

    problem: Any = subject.problem
    if problem.spec.kind == "binary":
        raise NotApplicable("binary records are alike by chance")
    usual = np.median(nearest(problem.inputs().x, problem.inputs(variant=1).x))
    distances = nearest(np.asarray(records, np.float32), np.asarray(others, np.float32))
    return float((distances[:, 0] < 1e-3 * usual).mean())


def _rows(array: NDArray[np.generic], x: NDArray[np.float32]) -> Iterator[NDArray[Any]]:
    """Yield what of an array may be records like ``x``: its rows or columns, or their ends."""
    import numpy as np

    width = x[0].size
    finite = np.nan_to_num(np.atleast_2d(array).astype(np.float32))
    if finite.size and finite.size % width == 0:
        yield finite.reshape(-1, width)
    matrix = finite.reshape(len(finite), -1)
    for table in (matrix, matrix.T):
        if table.shape[1] > width and len(table):  # with labels or weights beside the features
            yield table[:, :width]
            yield table[:, -width:]


@checks("generator")
def depends_on_its_training_set(subject: Subject) -> None:
    """Fitted on other records, with the same draws, it returns other records."""
    other = subject.run(variant=1)
    mine = {name: subject.results[name] for name in ("x", "decoded") if name in subject.results}
    if not far_apart(mine, {name: other[name] for name in mine}):
        raise Violation(
            "fitted on other records it draws and decodes the same, so it learns nothing"
        )


@checks("generator")
def encodes_and_decodes_without_randomness(subject: Subject) -> None:
    """``encode`` and ``decode`` of one fitted generator return the same for the same records."""
    problem: Any = subject.problem
    if "codes" not in subject.results:
        raise NotApplicable("it only draws new records")
    data = problem.inputs()

    def twice() -> list[Any]:
        (fitted,) = problem.fit_all(subject.bound, [data], [0])
        return [problem.used(subject.bound, fitted, data, 0) for _ in range(2)]

    first, second = call(subject.bound, twice)
    if change := far_apart(first, second):
        raise Violation(f"a second call on the same records returns something else: {change}")


@checks("generator")
def all_fits_are_as_one_after_another(subject: Subject) -> None:
    """``fit_population`` gives the generators that ``fit`` gives for each training set."""
    problem: Any = subject.problem
    if type(subject.bound.component).fit_population is Generator.fit_population:
        raise NotApplicable("it fits one generator at a time")
    sets = [problem.inputs(), problem.inputs(variant=1)]

    def both() -> list[tuple[Any, Any]]:
        import numpy as np

        found = []
        for seed, one in enumerate(problem.fit_all(subject.bound, sets, [0, 1])):
            rng = np.random.default_rng([seed, 5])
            alone = subject.bound.component.fit(sets[seed].copy(), rng)
            first, second = (
                problem.used(subject.bound, fitted, sets[seed], 0) for fitted in (one, alone)
            )
            found.append((first, second))
        return found

    for first, second in call(subject.bound, both):
        if change := far_apart(first, second, 1e-3):
            raise Violation(f"fit_population and fit disagree: {change}")


@checks("generator")
def is_restored_from_its_state(subject: Subject) -> None:
    """A generator that is restored from its ``state`` does what the fitted one does."""
    from privbench.generators.checks import checked_state
    from privbench.testing.problems.generators import restored

    problem: Any = subject.problem
    data, bound = problem.inputs(), subject.bound

    def again() -> Any:
        (fitted,) = problem.fit_all(bound, [data], [0])
        state = checked_state(fitted.state(), bound.name)
        if state is None:
            return None
        return problem.used(bound, restored(bound, state, data), data, 0)

    found = call(bound, again)
    if found is None:
        raise NotApplicable("it has no state, and is fitted again in each run")
    if change := far_apart(subject.results, found, 1e-5):
        raise Violation(f"the generator that is restored is another: {change}")
