"""Asking the components of a pipeline for the guarantees that they state."""

from __future__ import annotations

from collections.abc import Sequence

from privbench.components import Bound
from privbench.components.checks import checked_guarantee
from privbench.components.faults import calling
from privbench.privacy.composition import GeneratorInPipeline, MechanismInPipeline, Pipeline
from privbench.privacy.context import GuaranteeContext
from privbench.privacy.guarantees import Guarantee


def pipeline_of(
    generator: Bound | None,
    mechanisms: Sequence[Bound],
    context: GuaranteeContext,
    *,
    numeric_columns: bool,
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
        numeric_columns,
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
        reads_members=component.acts_on == "output"
        and component.needs_fit
        and component.reads_members,
    )


def stated_guarantee(bound: Bound, context: GuaranteeContext) -> Guarantee | None:
    """Return what a component states. Raises PrivbenchError if it is no guarantee."""
    with calling(bound):
        returned = bound.component.guarantee(context)
    return checked_guarantee(returned, bound.name)
