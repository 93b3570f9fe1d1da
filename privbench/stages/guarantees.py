"""The guarantee of a defense, and which part of it an attack is compared with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from privbench.components import Component
from privbench.config import Defense
from privbench.privacy import GuaranteeContext, compose
from privbench.privacy.composition import PIPELINE_ORDER, Composed
from privbench.privacy.pipeline import pipeline_of

if TYPE_CHECKING:
    from privbench.attacks.base import Attack
    from privbench.data import DataSpec
    from privbench.mechanisms.base import ActsOn


def acts_on_before(
    attack: Component, defense: Defense, *, records_per_guess: int = 1
) -> tuple[ActsOn, ...]:
    """Return the values of ``acts_on`` whose mechanisms protect the private records from an attack.

    1. An attack on released data sees them before any model is trained on them. One on the fitted
       generator sees it before mechanisms on codes.
    2. Parameters do not pass through output mechanisms.
    3. A guarantee of output mechanisms covers a number of queries (``queries_covered``). It does not
       cover an attack whose scores need more outputs of the target: of further queries, of an
       unknown number of them, or of the reference records.

    A guess about a coin is made from the outputs for one record, which is what a guarantee is for. One
    that compares the scores of two records needs the outputs for both (``records_per_guess``).
    """
    from privbench.attacks.synthetic import SyntheticAttack

    if isinstance(attack, SyntheticAttack):
        return PIPELINE_ORDER[:1] if attack.observes == "generator" else PIPELINE_ORDER[:2]
    queries = cast("Attack", attack).queries_used()
    covered = min((b.component.queries_covered() for b in defense.at("output")), default=1)
    is_covered = queries is not None and queries * records_per_guess <= covered
    if is_covered and not cast("Attack", attack).uses_reference():
        return PIPELINE_ORDER
    return PIPELINE_ORDER[:3]


def guarantee_of(
    defense: Defense,
    spec: DataSpec,
    n_train: int,
    model: object,
    acts_on: Collection[ActsOn] = PIPELINE_ORDER,
    facts: Mapping[str, float] | None = None,
) -> Composed:
    """Return the guarantee of a defense of ``n_train`` private records, or why there is none.

    ``acts_on`` restricts the guarantee to the mechanisms that act there; ``facts`` are what training
    reported of itself.
    """
    generator = defense.generator
    context = GuaranteeContext(
        spec=spec,
        n_train=n_train,
        model=model,
        generator_fitted_on="none" if generator is None else generator.component.fitted_on,
        facts=facts or {},
    )
    pipeline = pipeline_of(
        generator,
        defense.mechanisms,
        context,
        scaled_together=spec.scaled_by == "all" and bool(spec.numeric_features),
    )
    return compose(pipeline, acts_on)
