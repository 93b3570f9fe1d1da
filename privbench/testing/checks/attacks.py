"""What attacks are held to: that they find members, by what they may see, and score alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from privbench.errors import PrivbenchError
from privbench.testing.comparing import far_apart
from privbench.testing.findings import NotApplicable, Violation
from privbench.testing.registry import checks
from privbench.testing.subject import Subject, call

LEAST_AUC = 0.54
"""On populations that remember their records. The weakest built-in attack has .63 on average there."""
FINDS_NOTHING_ERRS = 1e-4
"""The probability with which such an attack has less, over problems and if AUCs are normal."""
REDRAWN = 4
"""How often membership is drawn anew to see whether an attack finds it."""
ERRS = 1e-6
"""The probability with which an attack that sees no membership fails, at most."""


@checks("attack", errs=FINDS_NOTHING_ERRS, after=("runs",))
def larger_means_member(subject: Subject) -> None:
    """Members of overfitted models, or of releases that copy, get larger scores than non-members."""
    from privbench.attacks.own_shadows import auc

    views = subject.problem.inputs()
    found = auc(subject.results["scores"], views.shadow_member)
    if found < 1 - LEAST_AUC:
        raise Violation(
            f"scores are inverted: the AUC is {found:.2f} where models remember their training records;"
            " larger must mean member"
        )
    if found < LEAST_AUC:
        raise Violation(
            f"it finds nothing: the AUC is {found:.2f} where models remember their training records,"
            f" expected {LEAST_AUC} at least"
        )


@checks("attack", errs=ERRS, after=("runs",))
def does_not_see_membership(subject: Subject) -> None:
    """Where membership has nothing to do with what is attacked, the AUC of each population is 0.5."""
    import numpy as np

    from privbench.attacks.own_shadows import auc

    problem: Any = subject.problem
    found = []
    for draw in range(REDRAWN):
        # Locals with names that an attack that climbs frames would look for.
        member = problem.membership(np.random.default_rng([draw, 7]))
        views = problem.inputs(member=member)
        scores = subject.run_on(problem, subject.bound, views)["scores"]
        found.append(np.mean([auc(s, m) for s, m in zip(scores, member, strict=True)]))
    band = null_band(int(member[0].sum()), int((~member[0]).sum()), REDRAWN)
    if abs(np.mean(found) - 0.5) > band:
        raise Violation(
            f"it uses the membership of its target: the AUC is {np.mean(found):.2f} where membership was"
            f" drawn by coins after all models were trained (expected 0.5 +- {band:.2f}). It must come"
            " from something that the attack reaches beyond what its view shows, or keeps between calls"
        )


def null_band(members: int, nonmembers: int, draws: int) -> float:
    """Return how far from 0.5 a mean AUC stays without signal, with a probability of 1 - `ERRS`.

    Each target's own membership is independent of its scores, so that its AUC has the variance of the
    Mann-Whitney statistic at most. AUCs of targets of one draw may be dependent, and count as one.
    """
    from scipy.special import ndtri

    variance = (members + nonmembers + 1) / (12 * members * nonmembers)
    return float(-ndtri(ERRS / 2) * (variance / draws) ** 0.5)


@checks("attack")
def does_not_use_its_own_row(subject: Subject) -> None:
    """Flipping a target's own row of ``shadow_member`` changes none of its scores."""
    from privbench.attacks.own_row import check_own_row
    from privbench.testing.problems.attacks import is_batched, scores_of, seeded

    if not is_batched(subject.bound.component):
        raise NotApplicable("it scores one target at a time, and its view has no such row")

    def make_views() -> Any:
        return seeded(subject.problem.inputs(), 0)

    def score_all(views: Any) -> Any:
        return scores_of(subject.bound, views)

    try:
        call(
            subject.bound,
            lambda: check_own_row(
                score_all, make_views, subject.results["scores"], subject.bound.name
            ),
        )
    except PrivbenchError as error:
        raise Violation(str(error)) from error


@checks("attack")
def all_targets_are_as_one_after_another(subject: Subject) -> None:
    """Scores of all targets at once are those of ``score`` for each view."""
    from privbench.testing.problems.attacks import is_batched, one_by_one, seeded

    if not is_batched(subject.bound.component):
        raise NotApplicable("it scores one target at a time")
    views = seeded(subject.problem.inputs(), 0)
    alone = call(subject.bound, lambda: one_by_one(subject.bound, views))
    if change := far_apart(subject.results, {"scores": alone}, 1e-4):
        raise Violation(f"score_all and score of each view disagree: {change}")


@checks("attack", after=("runs", "is_repeatable", "draws_from_no_global_generator"))
def order_of_records_does_not_matter(subject: Subject) -> None:
    """Scores follow the records when these come in another order."""
    import numpy as np

    views = subject.problem.inputs()
    rng = np.random.default_rng(3)
    order = rng.permutation(len(views.labels))
    turned = _in_order(views, order, rng)
    states = [str(one.bit_generator.state) for one in _seeded(turned).rngs]
    scores = call(subject.bound, lambda: _scores(subject, turned, states))
    if scores is None:
        raise NotApplicable("it draws random numbers, which do not follow the records")
    expected = {"scores": subject.results["scores"][:, order]}
    if change := far_apart(expected, {"scores": scores}, 1e-3):
        raise Violation(f"another order of the records changes their scores: {change}")


def _seeded(views: Any) -> Any:
    from privbench.testing.problems.attacks import seeded

    return seeded(views, 0)


def _scores(subject: Subject, views: Any, states: list[str]) -> Any:
    """Return the scores, or None if random numbers were drawn for them."""
    from privbench.testing.problems.attacks import scores_of

    views = _seeded(views)
    scores = scores_of(subject.bound, views)
    drawn = [str(one.bit_generator.state) for one in views.rngs] != states
    return None if drawn else scores


def _in_order(views: Any, order: Any, rng: Any) -> Any:
    """Return views in which the pool, the reference records and released records are reordered."""
    from privbench.attacks.base import Views
    from privbench.testing.problems.releases import reordered

    if not isinstance(views, Views):
        changed = replace(
            reordered(views, rng),
            records=views.records[order],
            labels=views.labels[order],
            shadow_member=views.shadow_member[:, order],
            reference=views.reference.take(rng.permutation(len(views.reference))),
        )
        return changed
    labels = views.labels[order]
    targets = views.targets[:, order]
    others = rng.permutation(len(views.reference_labels))
    reference = views.target_reference[:, others]
    return replace(
        views,
        labels=labels,
        shadow_labels=labels,
        targets=targets,
        shadows=targets,
        shadow_member=views.shadow_member[:, order],
        records=None if views.records is None else views.records[order],
        reference_labels=views.reference_labels[others],
        target_reference=reference,
        shadow_reference=reference,
        reference_records=(
            None if views.reference_records is None else views.reference_records[others]
        ),
    )


@checks("attack", roles=("models",), after=("runs",))
def scores_are_finite_at_extremes(subject: Subject) -> None:
    """Scores are finite for probabilities of 0 and 1, equal outputs, one shadow, one class of it all."""
    problem: Any = subject.problem
    for what, views in _extremes(problem):
        if subject.bound.component.obstacle(views):
            continue
        try:
            subject.run_on(problem, subject.bound, views)
        except Violation as error:
            raise Violation(f"with {what}: {error}") from error


def _extremes(problem: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np

    known = problem.inputs()
    rng = np.random.default_rng(5)
    yield (
        "shadows that are trained on all records",
        problem.inputs(member=known.shadow_member | True),
    )
    yield "shadows that are trained on none", problem.inputs(member=known.shadow_member & False)
    models, n, classes = 6, 40, 4
    labels = rng.integers(0, classes, n + 20)
    member = rng.random((models, n)) < 0.5
    predicted = rng.integers(0, classes, (models, n + 20))
    with np.errstate(divide="ignore"):
        sharp = np.log(np.eye(classes)[predicted]).astype(np.float32)
    ordinary = np.log(rng.dirichlet(np.ones(classes), (models, n + 20))).astype(np.float32)
    equal = np.full_like(ordinary, -np.log(classes))
    yield "probabilities of exactly zero and one", problem.views(sharp, labels, member)
    yield "equal probabilities of all classes", problem.views(equal, labels, member)
    yield "one shadow", problem.views(ordinary[:2], labels, member[:2])
    yield "records of one class only", problem.views(ordinary, 0 * labels, member)
