"""What mechanisms on records, codes and outputs are held to."""

from __future__ import annotations

from typing import Any

from privbench.testing.comparing import far_apart
from privbench.testing.findings import NotApplicable, Violation
from privbench.testing.registry import checks
from privbench.testing.subject import Subject, call


@checks("mechanism", roles=("data", "latent"))
def record_wise_is_true(subject: Subject) -> None:
    """If it declares ``record_wise``, changing one record changes no other one's result."""
    import numpy as np

    if not subject.bound.component.record_wise:
        raise NotApplicable("it does not declare record_wise")
    problem: Any = subject.problem
    inputs = problem.inputs()
    if subject.role == "latent":
        inputs.codes[0] *= -2
    elif len(inputs.data):
        inputs.data.x[0] = inputs.data.x[1]
        inputs.data.y[0] = (inputs.data.y[0] + 1) % inputs.data.spec.n_classes
    changed = subject.run_on(problem, subject.bound, inputs)
    before, after = (
        {name: np.asarray(array)[1:] for name, array in results.items()}
        for results in (subject.results, changed)
    )
    if change := far_apart(before, after):
        raise Violation(f"record_wise = True, but another record 0 changes the others: {change}")


@checks("mechanism", roles=("output",))
def keeps_classes_is_true(subject: Subject) -> None:
    """If it declares ``keeps_classes``, the most probable class stays the most probable."""
    import numpy as np

    if not subject.bound.component.keeps_classes:
        raise NotApplicable("it does not declare keeps_classes")
    bare = subject.problem.inputs().probabilities
    defended = np.asarray(subject.results["probabilities"])
    top = np.take_along_axis(defended, bare.argmax(1)[:, None], axis=1)[:, 0]
    if lost := int((top < defended.max(1)).sum()):
        raise Violation(
            f"keeps_classes = True, but {lost} of {len(bare)} outputs have another most probable class"
        )


@checks("mechanism", roles=("output",))
def each_query_is_answered_by_itself(subject: Subject) -> None:
    """Without randomness, outputs for many records at once are those for one record at a time."""
    import numpy as np

    problem: Any = subject.problem
    bound, inputs = subject.bound, subject.problem.inputs()

    def answers() -> tuple[Any, Any, Any]:
        transform = problem.transform(bound, inputs, 0)
        bare = inputs.probabilities
        both = [transform(bare.copy(), np.random.default_rng(seed)) for seed in (0, 1)]
        alone = [transform(row[None].copy(), np.random.default_rng(0)) for row in bare]
        return both[0], both[1], np.concatenate(alone)

    first, second, alone = call(bound, answers)
    if far_apart({"probabilities": first}, {"probabilities": second}):
        raise NotApplicable("it draws random numbers")
    if change := far_apart({"probabilities": first}, {"probabilities": alone}, 1e-5):
        raise Violation(f"outputs depend on the other records of a query: {change}")
