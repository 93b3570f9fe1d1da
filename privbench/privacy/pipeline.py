"""Ask the components of a pipeline for the guarantees that they state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from privbench.components import Bound
from privbench.components.checks import shown
from privbench.components.faults import calling
from privbench.components.messages import printable
from privbench.errors import PrivbenchError
from privbench.privacy.composition import GeneratorInPipeline, MechanismInPipeline, Pipeline
from privbench.privacy.context import GuaranteeContext
from privbench.privacy.guarantees import Guarantee


def pipeline_of(
    generator: Bound | None,
    mechanisms: Sequence[Bound],
    context: GuaranteeContext,
    *,
    scaled_together: bool,
) -> Pipeline:
    """Return a pipeline with what each component states.

    Raises:
        ComponentError: If a component raises.
        PrivbenchError: If what it returns is no guarantee.
    """
    return Pipeline(
        None if generator is None else _generator(generator, context),
        tuple(_mechanism(mechanism, context) for mechanism in mechanisms),
        context.n_train,
        scaled_together,
    )


def _generator(bound: Bound, context: GuaranteeContext) -> GeneratorInPipeline:
    component = bound.component
    guarantee = stated_guarantee(bound, context)
    return GeneratorInPipeline(bound.name, guarantee, component.fitted_on, component.release)


def _mechanism(bound: Bound, context: GuaranteeContext) -> MechanismInPipeline:
    component = bound.component
    return MechanismInPipeline(
        bound.name,
        component.acts_on,
        stated_guarantee(bound, context),
        record_wise=component.record_wise,
        reads_private=component.acts_on != "data" or component.reads_private,
        reads_members=component.acts_on == "output"
        and component.needs_fit
        and component.reads_members,
    )


def stated_guarantee(bound: Bound, context: GuaranteeContext) -> Guarantee | None:
    """Return what a component states. Raises PrivbenchError if it is no guarantee."""
    with calling(bound):
        returned = bound.component.guarantee(context)
    return checked_guarantee(returned, bound.name)


def checked_guarantee(returned: Any, name: str) -> Guarantee | None:
    """Return the guarantee that a component states, or None."""
    if returned is None:
        return None
    if not isinstance(returned, Guarantee):
        raise PrivbenchError(
            f"{name}: guarantee returned {shown(returned)}, expected privbench.Guarantee or None"
        )
    if not isinstance(returned.accountant, str):
        raise PrivbenchError(
            f"{name}: guarantee returned an accountant that is {shown(returned.accountant)},"
            " expected text"
        )
    return replace(
        returned,
        accountant=printable(returned.accountant),
        conditions=tuple(
            replace(condition, text=printable(condition.text), why=printable(condition.why))
            for condition in returned.conditions
        ),
    )
