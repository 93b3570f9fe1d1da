"""The guarantee of a defense, and which part of it an attack is compared with."""

from __future__ import annotations

from collections.abc import Collection
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


def acts_on_before(attack: Component) -> tuple[ActsOn, ...]:
    """Return the values of ``acts_on`` whose mechanisms protect the private records from an attack.

    - An attack on released data sees them before any model is trained on them.
    - Parameters do not pass through output mechanisms, and a guarantee of these for a number of queries
      does not cover further queries that the attack makes.
    """
    from privbench.attacks.synthetic import SyntheticAttack

    if isinstance(attack, SyntheticAttack):
        return PIPELINE_ORDER[:2]
    return PIPELINE_ORDER[:3] if cast("Attack", attack).needs_models() else PIPELINE_ORDER


def guarantee_of(
    defense: Defense,
    spec: DataSpec,
    n_train: int,
    model: object,
    acts_on: Collection[ActsOn] = PIPELINE_ORDER,
) -> Composed:
    """Return the guarantee of a defense of ``n_train`` private records, or why there is none.

    ``acts_on`` restricts the guarantee to the mechanisms that act there.
    """
    generator = defense.generator
    context = GuaranteeContext(
        spec=spec,
        n_train=n_train,
        model=model,
        generator_fitted_on="none" if generator is None else generator.component.fitted_on,
    )
    pipeline = pipeline_of(
        generator,
        defense.mechanisms,
        context,
        numeric_columns=bool(spec.numeric_features),
    )
    return compose(pipeline, acts_on)
