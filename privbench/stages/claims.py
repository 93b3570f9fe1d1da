"""What a defense claims as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench.blame import calling
from privbench.components import Bound
from privbench.config import Defense
from privbench.errors import PrivbenchError
from privbench.privacy import Guarantee, Stated, compose
from privbench.stages.checks import shown

if TYPE_CHECKING:
    from privbench.data import DataSpec
    from privbench.mechanisms.base import GuaranteeContext


def claim_of_pipeline(
    defense: Defense,
    spec: DataSpec,
    n_train: int,
    model: object,
) -> tuple[Guarantee | None, str]:
    """What a defense claims of ``n_train`` private records, and why it claims nothing.

    A generator that is fitted with DP-SGD reads the records beside the mechanisms on codes and on
    training, which see what it makes of each record: its epsilon adds to theirs. New records that it
    draws tell nothing more than its fit; records that it reconstructs do. A data mechanism comes
    before the fit, and the claim of an output mechanism does not depend on what came before.
    """
    from privbench.mechanisms.base import GuaranteeContext

    generator, fit = defense.generator, None
    if generator is not None:
        fit = _stated(generator, n_train)
    context = GuaranteeContext(
        spec=spec,
        n_train=n_train,
        model=model,
        generator_fitted_on="none" if generator is None else generator.component.fitted_on,
    )
    found = []
    if fit is not None and generator is not None and generator.component.release == "sample":
        found.append(Stated(generator.name, fit))
    for bound in defense.mechanisms:
        if _reads_members(bound) and found:
            listed = ", ".join(str(one) for one in found)
            return (
                None,
                f"{bound.name} reads the private records again: what is before it ({listed})",
            )
        beside = fit if bound.component.step in ("latent", "training") else None
        guarantee = _stated(bound, context)
        if guarantee is not None:
            found.append(Stated(bound.name, guarantee, beside))
    if fit is not None and generator is not None and not found:
        only = Stated(generator.name, fit)
        return None, f"only the fit is private ({only}), and reconstructed records are not"
    return compose(found)


def _reads_members(bound: Bound) -> bool:
    component = bound.component
    return bool(component.step == "output" and component.fitted and component.reads_members)


def _stated(bound: Bound, context: GuaranteeContext | int) -> Guarantee | None:
    with calling(bound):
        found = bound.component.guarantee(context)
    if found is None or isinstance(found, Guarantee):
        return found
    raise PrivbenchError(
        f"{bound.name}: guarantee returned {shown(found)}, expected privbench.Guarantee or None"
    )
