"""Views of a small population, for attacks on models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, Views
from privbench.attacks.outputs import Outputs
from privbench.attacks.synthetic import SyntheticAttack
from privbench.components import Bound
from privbench.components.checks import checked_array
from privbench.components.sealed import Sealed
from privbench.stages.scores import SealedModel
from privbench.testing.findings import NotApplicable
from privbench.testing.problems.base import Problem, Results
from privbench.testing.problems.populations import POOL, Trained, membership, trained

Member = NDArray[np.bool_]


class OfModels(Problem):
    """All models of a population, each of which is the target once; the others are its shadows."""

    def inputs(self, variant: int = 0, member: Member | None = None) -> Views:
        """Return the views; ``member`` replaces the true membership of the shadows."""
        known = trained(variant)
        member = known.member if member is None else member
        models: Sequence[Any] = ()
        if self.bound.component.needs_models():
            models = [
                SealedModel(Sealed(one.query), Sealed(one.classify), Sealed(one.module))
                for one in (Queried(self, known, i, member) for i in range(len(member)))
            ]
        views = replace(
            self.views(known.log_probs, known.y, member),
            records=known.x[:POOL].copy(),
            reference_records=known.x[POOL:].copy(),
            target_models=models,
            shadow_models=models,
        )
        if obstacle := self.bound.component.obstacle(views):
            raise NotApplicable(f"it {obstacle}")
        return views

    def membership(self, rng: np.random.Generator) -> Member:
        """Draw membership anew: bool (targets, pool)."""
        return membership(rng)

    def views(
        self, log_probs: NDArray[np.float32], labels: NDArray[np.int64], member: Member
    ) -> Views:
        """Return the views of models with these outputs, without records.

        Args:
            log_probs: float32 (models, records, classes); the last records are the reference records.
            labels: int64 (records,).
            member: bool (models, pool).
        """
        n = member.shape[1]
        pool, reference = self.outputs(log_probs[:, :n]), self.outputs(log_probs[:, n:])
        pool_labels = labels[:n].copy()
        return Views(
            labels=pool_labels,
            n_classes=log_probs.shape[-1],
            targets=pool,
            shadows=pool,
            shadow_labels=pool_labels,
            shadow_member=member.copy(),
            leave_one_out=True,
            reference_labels=labels[n:].copy(),
            target_reference=reference,
            shadow_reference=reference,
            rngs=[],
        )

    def outputs(self, log_probs: NDArray[np.float32]) -> Outputs:
        """Return what the attack observes of log-probabilities (..., records, classes)."""
        seen = None if self.bound.component.observes == "labels" else log_probs.copy()
        return Outputs(log_probs.argmax(-1), seen)

    def run(self, bound: Bound, inputs: Views, seed: int) -> Results:
        """Return the scores (targets, pool)."""
        return {"scores": scores_of(bound, seeded(inputs, seed))}

    def protected(self, inputs: Views) -> Any:
        """Return all that the views hold."""
        return inputs

    def states(self, bound: Bound) -> Any:
        """Return what the attack says that it needs and uses."""
        attack: Attack = bound.component
        return [
            attack.adds_up(),
            attack.needs_models(),
            attack.queries_used(),
            attack.uses_reference(),
            attack.shadows_needed(),
        ]


@dataclass(frozen=True)
class Queried:
    """One network behind the functions that an attack is handed.

    Like that of the harness it holds what the attack must not see, such as the membership.
    """

    problem: OfModels
    known: Trained
    index: int
    member: Member

    def query(self, x: NDArray[np.float32]) -> Outputs:
        """Return the outputs on records (n, features)."""
        import torch

        logits = self.known.population.predict_one(self.index, np.array(x, dtype=np.float32))
        return self.problem.outputs(torch.from_numpy(logits).log_softmax(-1).numpy())

    def classify(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the classes (n,) that ``query`` would predict."""
        return self.query(x).predicted

    def module(self) -> Any:
        """Return the network."""
        return self.known.population.module(self.index)


def seeded(views: Any, seed: int) -> Any:
    """Return views with fresh sources of randomness."""
    return replace(views, rngs=[np.random.default_rng([seed, i]) for i in range(len(views))])


def is_batched(attack: Any) -> bool:
    """Return whether an attack scores all targets by code of its own."""
    return type(attack).score_all not in (Attack.score_all, SyntheticAttack.score_all)


def scores_of(bound: Bound, views: Any) -> NDArray[np.float64]:
    """Return the scores (targets, pool) of an attack, as the harness asks for them."""
    shape = (len(views), len(views.labels))
    if is_batched(bound.component):
        returned = bound.component.score_all(views)
        return checked_array(returned, shape, f"{bound.name}: score_all returned").astype(float)
    return one_by_one(bound, views)


def one_by_one(bound: Bound, views: Any) -> NDArray[np.float64]:
    """Return the scores (targets, pool) of an attack on one view after another."""
    scores = np.empty((len(views), len(views.labels)))
    for target, view in enumerate(views):
        returned = bound.component.score(view)
        scores[target] = checked_array(returned, scores.shape[1:], f"{bound.name}: score returned")
    return scores
