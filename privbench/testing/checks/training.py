"""What training mechanisms and target models are held to: that they train, each model by itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from privbench.testing.comparing import far_apart
from privbench.testing.findings import Violation
from privbench.testing.registry import checks
from privbench.testing.subject import Subject, call

MORE = (1, 5)
"""A model is trained for so many times its epochs, until it has learned."""
BY_CHANCE = 1e-6
"""The probability that guesses are as good as is asked of a model."""


@checks("mechanism", roles=("training",))
def trains(subject: Subject) -> None:
    """It returns one trained model per seed, whose weights are not those that it began with."""
    from privbench.components.model_checks import check_population

    problem: Any = subject.problem
    task = problem.inputs()
    population = call(subject.bound, lambda: problem.train(subject.bound, task))
    call(subject.bound, lambda: check_population(population, task.build, task.seeds))


@checks("mechanism", roles=("training",))
def weights_depend_on_the_records(subject: Subject) -> None:
    """Other records, with the same seeds, give other weights."""
    problem: Any = subject.problem
    first = problem.inputs()
    other = replace(first, sets=problem.inputs(variant=1).sets)
    weights = call(subject.bound, lambda: problem.run(subject.bound, other, 0))
    if not far_apart(subject.results, weights, 1e-4):
        raise Violation(
            "other training records give the same weights, so it learns nothing from them"
        )


@checks("mechanism", roles=("training",))
def each_model_is_trained_by_itself(subject: Subject) -> None:
    """The weights of a model depend on its own seed and records, not on the others of its population."""
    problem: Any = subject.problem
    alone = call(subject.bound, lambda: problem.run(subject.bound, problem.inputs(seeds=[1]), 0))
    together = {name: weights[1:] for name, weights in subject.results.items()}
    if change := far_apart(together, alone, 1e-3):
        raise Violation(f"a model that is trained alone is another than in a population: {change}")


@checks("model", roles=("torch",))
def builds_a_network(subject: Subject) -> None:
    """``build`` returns a new module at each call, which gives one logit for each class."""
    from privbench.components.model_checks import check_build

    problem: Any = subject.problem
    spec, model = problem.spec, subject.bound.component
    call(
        subject.bound,
        lambda: check_build(lambda: model.build(spec.shape, spec.n_classes), spec),
    )


@checks("model")
def learns(subject: Subject) -> None:
    """On its own training records, of classes that are far apart, it is better than guessing."""
    import numpy as np
    from scipy.stats import binom

    from privbench.testing.problems.sets import make_data

    problem: Any = subject.problem
    data = make_data(problem.spec, 90, 4, apart=4.0)
    most = int(np.bincount(data.y).max())
    least = int(binom.isf(BY_CHANCE, len(data), most / len(data)))
    best = 0
    for more in MORE:
        best = max(best, call(subject.bound, partial(_correct, subject, data, more)))
        if best > least or subject.role == "estimator":
            break
    if best <= least:
        raise Violation(
            f"it learns nothing: {best} of {len(data)} training records of well separated classes are"
            f" right, and guessing the largest class has {most}"
        )


def _correct(subject: Subject, data: Any, more: int) -> int:
    problem: Any = subject.problem
    if subject.role == "estimator":
        fitted = problem.fit(subject.bound, data, 0)
        answers = problem.probabilities(subject.bound, fitted, data.x)
    else:
        epochs = more * subject.bound.component.recipe().epochs
        (answers,) = problem.train(subject.bound, data, [3], epochs).predict(data.x)
    return int((answers.argmax(-1) == data.y).sum())


@checks("model", roles=("torch",))
def each_network_is_trained_by_itself(subject: Subject) -> None:
    """Networks that are trained at once are those that are trained one after another."""
    problem: Any = subject.problem
    data, bound = problem.inputs(), subject.bound

    def logits(seeds: list[int]) -> Any:
        return problem.train(bound, data, seeds, 1).predict(data.x)

    together = call(bound, lambda: logits([0, 1]))
    alone = call(bound, lambda: logits([1]))
    if change := far_apart({"logits": together[1:]}, {"logits": alone}, 1e-3):
        raise Violation(
            f"a network that is trained alone is another than in a population: {change}"
        )


@checks("model", roles=("estimator",))
def answers_for_classes_it_has_not_seen(subject: Subject) -> None:
    """It gives a probability for each class, also where the training set lacks one."""
    import numpy as np

    problem: Any = subject.problem
    data = problem.inputs()["train"]
    some = data.take(np.flatnonzero(data.y < data.spec.n_classes - 1))
    try:
        call(subject.bound, lambda: _answers(subject, some, data.x))
    except Violation as error:
        raise Violation(f"without records of the last class: {error}") from error


def _answers(subject: Subject, data: Any, x: Any) -> Any:
    problem: Any = subject.problem
    return problem.probabilities(subject.bound, problem.fit(subject.bound, data, 0), x)


@checks("model", roles=("estimator",))
def each_record_is_answered_by_itself(subject: Subject) -> None:
    """Probabilities for many records at once are those for one record at a time."""
    import numpy as np

    problem: Any = subject.problem
    inputs, bound = problem.inputs(), subject.bound

    def alone() -> Any:
        fitted = problem.fit(bound, inputs["train"], 0)
        some = inputs["asked"].x[:10]
        return np.concatenate([problem.probabilities(bound, fitted, x[None]) for x in some])

    together = np.asarray(subject.results["probabilities"])[:10]
    if change := far_apart(
        {"probabilities": together}, {"probabilities": call(bound, alone)}, 1e-4
    ):
        raise Violation(f"the answer for a record depends on the others of a query: {change}")
