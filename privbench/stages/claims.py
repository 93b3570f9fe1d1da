"""What a defense claims as a whole, and whether an attack's scores agree with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from privbench.components import Bound, Component
from privbench.components.checks import checked_guarantee
from privbench.components.faults import calling
from privbench.config import Defense
from privbench.privacy import Guarantee, Stated, compose
from privbench.privacy.guarantees import SCALED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.attacks.base import Attack
    from privbench.data import DataSpec
    from privbench.mechanisms.base import ActsOn, GuaranteeContext

DELTA = 1e-5
"""Of audited epsilons where no delta is claimed."""
SURE = 0.999
"""Confidence of a verdict: the largest of fifty such bounds still holds with 95%."""
KEPT = "only the model is published, not the records that it is trained on"

ALL: tuple[ActsOn, ...] = ("data", "latent", "training", "output")


def steps_seen(attack: Component) -> tuple[ActsOn, ...]:
    """The steps that stand between the private records and what an attack observes.

    Released records have not been trained on yet, parameters are not answered, and what an output
    mechanism claims of an answer is not meant for questions of the attack's own.
    """
    from privbench.attacks.synthetic import SyntheticAttack

    if isinstance(attack, SyntheticAttack):
        return ALL[:2]
    return ALL[:3] if cast("Attack", attack).needs_models() else ALL


def claim_of_pipeline(
    defense: Defense,
    spec: DataSpec,
    n_train: int,
    model: object,
    steps: Collection[ActsOn] = ALL,
) -> tuple[Guarantee | None, str]:
    """What a defense claims of ``n_train`` private records, and why it claims nothing.

    With ``steps``, what it claims of what its mechanisms at these steps give away.

    A generator that is fitted with DP-SGD reads the records beside the mechanisms on codes and on
    training, which see what it makes of each record: its epsilon adds to theirs. New records that it
    draws tell nothing more than its fit; records that it reconstructs do. A data mechanism comes
    before the fit, and the claim of an output mechanism does not depend on what came before. What is
    claimed of training or answers says nothing of records that are released beside the model.
    """
    from privbench.mechanisms.base import GuaranteeContext

    generator, fit = defense.generator, None
    if generator is not None:
        fit = _on_scale(_stated(generator, n_train), spec)
        fit = _if(fit, *_each_by_itself(defense.at("data")))
    context = GuaranteeContext(
        spec=spec,
        n_train=n_train,
        model=model,
        generator_fitted_on="none" if generator is None else generator.component.fitted_on,
    )
    found, unsaid = [], ""
    if fit is not None and generator is not None and generator.component.release == "sample":
        found.append(Stated(generator.name, fit))
    for place, bound in enumerate(defense.mechanisms):
        if bound.component.acts_on not in steps:
            continue
        if _reads_members(bound) and found:
            listed = ", ".join(str(one) for one in found)
            return (
                None,
                f"{bound.name} reads the private records again: what is before it ({listed})",
            )
        of_codes_or_training = bound.component.acts_on in ("latent", "training")
        guarantee = _stated(bound, context)
        if bound.component.acts_on != "output":
            before = defense.mechanisms[:place]
            guarantee = _if(_on_scale(guarantee, spec), *_each_by_itself(before))
        if bound.component.acts_on in ("training", "output") and defense.releases:
            guarantee = _if(guarantee, KEPT)
        if guarantee is None:
            continue
        if of_codes_or_training and generator is not None and _draws_without_claim(generator, fit):
            unsaid = (
                f"{bound.name} protects the records that {generator.name} draws, and not those that"
                " it is fitted on"
            )
            continue
        found.append(Stated(bound.name, guarantee, fit if of_codes_or_training else None))
    if fit is not None and generator is not None and not found:
        only = Stated(generator.name, fit)
        return None, f"only the fit is private ({only}), and reconstructed records are not"
    claim, why = compose(found, n_train) if found else (None, unsaid)
    if claim is not None and claim.kind != "metric-dp" and claim.delta >= 1 / n_train:
        claim = _if(claim, f"a delta of 1/n and above is accepted (n={n_train})")
    return claim, why


def _if(guarantee: Guarantee | None, *conditions: str) -> Guarantee | None:
    if guarantee is None:
        return None
    return replace(guarantee, conditions=(*guarantee.conditions, *conditions))


def _on_scale(guarantee: Guarantee | None, spec: DataSpec) -> Guarantee | None:
    """The guarantee of what reads features, whose numbers are scaled before it sees them."""
    if guarantee is None or guarantee.covers == "labels" or not spec.numeric_features:
        return guarantee
    return _if(guarantee, SCALED)


def _each_by_itself(before: Sequence[Bound]) -> tuple[str, ...]:
    """What a claim needs of the mechanisms before it, of whose output it sees neighbouring sets."""
    return tuple(
        f"{bound.name} changes each record without regard to the others"
        for bound in before
        if bound.component.acts_on in ("data", "latent") and not bound.component.record_wise
    )


def _draws_without_claim(generator: Bound, fit: Guarantee | None) -> bool:
    own = generator.component
    return own.release == "sample" and own.fitted_on != "reference" and fit is None


def _reads_members(bound: Bound) -> bool:
    component = bound.component
    return bool(component.acts_on == "output" and component.needs_fit and component.reads_members)


def _stated(bound: Bound, context: GuaranteeContext | int) -> Guarantee | None:
    with calling(bound):
        returned = bound.component.guarantee(context)
    return checked_guarantee(returned, bound.name)


def audited(
    claim: Guarantee | None,
    scores: NDArray[np.float64],
    shadow_scores: NDArray[np.float64],
    member: NDArray[np.bool_],
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """What the scores prove of epsilon when one record is replaced, and what that says of a claim.

    All are (models, records), ``labels`` (records,). The bound holds with 95% confidence at the
    claim's delta, or at ``DELTA`` if nothing finite is claimed of replacing a record. For a claim that
    covers features only, the record is replaced by one of the same label. A claim is ``refuted`` by a
    bound of ``SURE`` confidence above it: tables show the largest of many bounds.
    """
    from privbench.metrics import epsilon_lower_bound

    claimed = None if claim is None else claim.of_replacing()
    if claimed is not None and claimed[1] >= 1:  # group privacy may leave nothing of a claim
        claimed = None
    epsilon, delta = (None, DELTA) if claimed is None else claimed
    counted = None
    if claim is not None and claimed is not None and claim.covers == "features":
        counted = of_same_label(member, labels, rng)

    def bound(confidence: float) -> float:
        return epsilon_lower_bound(
            scores, member, shadow_scores, member,
            leave_one_out=True, delta=delta, confidence=confidence, counted=counted,
        )  # fmt: skip

    verdict = None
    if epsilon is not None:
        verdict = "refuted" if bound(SURE) > epsilon else "consistent"
    return {"audited_epsilon": bound(0.95), "verdict": verdict}


def of_same_label(
    member: NDArray[np.bool_], labels: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """As many pairs (models, records) IN as OUT of each label in each model, drawn by ``rng``.

    How many members a label has is told by labels alone, and a claim that covers features only says
    nothing of it. Given these numbers, membership among records of one label is a random draw, so
    that IN against OUT on these pairs replaces a record by one of its label.
    """
    import numpy as np

    counted = np.zeros_like(member)
    order = rng.random(member.shape)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        inside = member[:, own]
        few = np.minimum(inside.sum(1), (~inside).sum(1))[:, None]
        for side in (inside, ~inside):
            rank = np.where(side, order[:, own], np.inf).argsort(1).argsort(1)
            counted[:, own] |= side & (rank < few)
    return counted
