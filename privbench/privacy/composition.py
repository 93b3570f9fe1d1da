"""The guarantee of a pipeline, composed from those that its components state.

    Composed = compose(Pipeline(generator, mechanisms, n_train, scaled_together))

The rules, one function each, in the order in which they apply:

0. ``behind_public``: behind a mechanism that reads no private record, its guarantee is the only one.
1. Conditions are added that depend on the pipeline: ``behind_private_fit``, ``on_scaled_columns``,
   ``after_others``, ``beside_release``.
2. ``samples_of_fit``: the fit of a generator covers new records that it draws.
3. ``ends_guarantees``: an output mechanism that reads private records again ends what is before it.
4. ``protects_samples_only``: a guarantee for records that a generator draws is none for the private
   records.
5. ``with_fit``: a fit adds to mechanisms that read what the generator makes.
6. ``fit_alone``: a fit says nothing about reconstructed records.
7. Of what remains, one guarantee is shown (``rules.post_processing``).
8. ``with_large_delta``: a delta of 1/n and above becomes a condition.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from privbench.privacy.conditions import (
    ENCODER_INDEPENDENT,
    GENERATOR_INDEPENDENT,
    MODEL_ONLY,
    SCALED_APART,
    changes_each_record_alone,
    large_delta_accepted,
)
from privbench.privacy.guarantees import Guarantee
from privbench.privacy.rules import basic_composition, post_processing

ActsOn = Literal["data", "latent", "training", "output"]
PIPELINE_ORDER: tuple[ActsOn, ...] = ("data", "latent", "training", "output")


@dataclass(frozen=True)
class GeneratorInPipeline:
    """A generator and what it states about its fit on the private records."""

    name: str
    guarantee: Guarantee | None
    fitted_on: Literal["private", "reference", "dp-sgd"]
    release: Literal["reconstruct", "sample"]


@dataclass(frozen=True)
class MechanismInPipeline:
    """A mechanism and what it states about its input."""

    name: str
    acts_on: ActsOn
    guarantee: Guarantee | None
    record_wise: bool = False
    reads_private: bool = True
    """Whether a mechanism on records reads the private ones."""
    reads_members: bool = False
    """Whether an output mechanism reads outputs on the private records."""


@dataclass(frozen=True)
class Pipeline:
    """At most one generator, and mechanisms in pipeline order, on ``n_train`` private records."""

    generator: GeneratorInPipeline | None
    mechanisms: tuple[MechanismInPipeline, ...]
    n_train: int
    scaled_together: bool
    """Whether numeric columns are scaled over all records before the pipeline reads them."""

    @property
    def releases(self) -> bool:
        """Whether training sets leave the pipeline that are not the private records themselves."""
        return self.generator is not None or any(m.acts_on == "data" for m in self.mechanisms)


class Composed(NamedTuple):
    """The guarantee of a pipeline; or None, and why there is none (empty if nothing is stated)."""

    guarantee: Guarantee | None
    reason: str = ""


@dataclass(frozen=True)
class Candidate:
    """A guarantee that holds for the pipeline, with the ``fit`` that is to be added."""

    name: str
    guarantee: Guarantee
    fit: Guarantee | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.guarantee.short()}"


def compose(pipeline: Pipeline, acts_on: Collection[ActsOn] = PIPELINE_ORDER) -> Composed:
    """Return the guarantee of a pipeline, or of its mechanisms that act on ``acts_on`` only."""
    pipeline = behind_public(pipeline)
    generator = _generator_in_place(pipeline)
    candidates, reason = samples_of_fit(generator), ""
    for place, mechanism in enumerate(pipeline.mechanisms):
        if mechanism.acts_on not in acts_on:
            continue
        if ends_guarantees(mechanism) and candidates:
            before = ", ".join(map(str, candidates))
            return Composed(
                None,
                f"{mechanism.name} reads the private records again: what is before it ({before})",
            )
        guarantee = _guarantee_in_place(pipeline, place)
        if guarantee is None:
            continue
        if generator is not None and protects_samples_only(generator, mechanism):
            reason = (
                f"{mechanism.name} protects the records that {generator.name} draws, and not those that"
                " it is fitted on"
            )
            continue
        fit = fit_to_add(generator, mechanism)
        candidates.append(Candidate(mechanism.name, guarantee, fit))
    if not candidates:
        return Composed(None, fit_alone(generator) or reason)
    composed = _composed(candidates, pipeline.n_train)
    return composed._replace(guarantee=with_large_delta(composed.guarantee, pipeline.n_train))


def behind_public(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline without what follows a mechanism that reads no private record.

    What follows is post-processing of its guarantee (Dwork, Roth 2014, proposition 2.1), and what
    follows states something about the public records, which need no protection. Only a mechanism that
    reads the private records again remains.
    """
    for place, mechanism in enumerate(pipeline.mechanisms):
        if mechanism.guarantee is not None and not mechanism.reads_private:
            again = filter(ends_guarantees, pipeline.mechanisms[place:])
            return replace(pipeline, generator=None, mechanisms=(mechanism, *again))
    return pipeline


def _generator_in_place(pipeline: Pipeline) -> GeneratorInPipeline | None:
    """Return the generator with the conditions of its place: after the data mechanisms."""
    generator = pipeline.generator
    if generator is None or generator.guarantee is None:
        return generator
    before = [m for m in pipeline.mechanisms if m.acts_on == "data"]
    fit = after_others(on_scaled_columns(generator.guarantee, pipeline.scaled_together), before)
    return GeneratorInPipeline(generator.name, fit, generator.fitted_on, generator.release)


def _guarantee_in_place(pipeline: Pipeline, place: int) -> Guarantee | None:
    """Return what a mechanism states, with the conditions of its place."""
    mechanism = pipeline.mechanisms[place]
    guarantee = mechanism.guarantee
    if guarantee is None:
        return None
    guarantee = behind_private_fit(guarantee, mechanism, pipeline.generator)
    if mechanism.acts_on != "output":
        guarantee = on_scaled_columns(guarantee, pipeline.scaled_together)
        guarantee = after_others(guarantee, pipeline.mechanisms[:place])
    return beside_release(guarantee, mechanism, pipeline.releases)


def behind_private_fit(
    guarantee: Guarantee, mechanism: MechanismInPipeline, generator: GeneratorInPipeline | None
) -> Guarantee:
    """Add the condition, which is broken, that a generator has not seen the private records.

    A mechanism on codes or training guarantees something about what it is given. If the generator that
    makes it of the private records was fitted on them without a guarantee, each record may have changed
    the generator, and thereby what it makes of all others.
    """
    if generator is None or generator.fitted_on != "private":
        return guarantee
    if mechanism.acts_on == "latent":
        return replace(guarantee, conditions=(ENCODER_INDEPENDENT, *guarantee.conditions))
    if mechanism.acts_on == "training":
        return replace(guarantee, conditions=(GENERATOR_INDEPENDENT, *guarantee.conditions))
    return guarantee


def on_scaled_columns(guarantee: Guarantee, scaled_together: bool) -> Guarantee:
    """Add the condition that numeric columns are scaled without the private records.

    A guarantee for features is that of a mechanism applied to scaled features. If means and standard
    deviations come from all records, a change of one record changes the input of all others.
    """
    if guarantee.covers == "labels" or not scaled_together:
        return guarantee
    return guarantee.under(SCALED_APART)


def after_others(guarantee: Guarantee, before: Sequence[MechanismInPipeline]) -> Guarantee:
    """Add the condition that earlier mechanisms on records and codes are record-wise.

    If T changes each record without regard to the others, T maps neighbouring sets to neighbouring
    sets, so that M(T(.)) has the guarantee of M (stability one: McSherry 2009, "Privacy integrated
    queries", theorem 2). If T mixes records, one record may change all of them.
    """
    mixing = [m for m in before if m.acts_on in ("data", "latent") and not m.record_wise]
    return guarantee.under(*(changes_each_record_alone(mechanism.name) for mechanism in mixing))


def beside_release(
    guarantee: Guarantee, mechanism: MechanismInPipeline, releases: bool
) -> Guarantee:
    """Add the condition that only the model is published, for training and output mechanisms.

    What they state is about the model. Training sets that the pipeline makes before are another output
    of the same records, which it does not cover.
    """
    if releases and mechanism.acts_on in ("training", "output"):
        return guarantee.under(MODEL_ONLY)
    return guarantee


def samples_of_fit(generator: GeneratorInPipeline | None) -> list[Candidate]:
    """Return the guarantee of a fit as one of the whole pipeline if the generator draws new records.

    They are a function of the fit and of fresh randomness alone: post-processing (Dwork, Roth 2014,
    proposition 2.1).
    """
    if generator is None or generator.guarantee is None or generator.release != "sample":
        return []
    return [Candidate(generator.name, generator.guarantee)]


def ends_guarantees(mechanism: MechanismInPipeline) -> bool:
    """Return whether what follows earlier guarantees is no post-processing of them.

    Proposition 2.1 of Dwork, Roth 2014 needs a function that reads the private records only through
    the output of the earlier mechanisms. A mechanism fitted on outputs on them reads them again.
    """
    return mechanism.acts_on == "output" and mechanism.reads_members


def protects_samples_only(generator: GeneratorInPipeline, mechanism: MechanismInPipeline) -> bool:
    """Return whether a guarantee is for records that a generator draws, and not for the private ones.

    One private record may change the fit and thereby all drawn records, so neighbouring private sets
    become no neighbours. This does not matter if the fit reads reference records only, and if the fit
    has a guarantee, it is the fit that is added (``fit_to_add``).
    """
    return (
        mechanism.acts_on in ("latent", "training")
        and generator.release == "sample"
        and generator.fitted_on != "reference"
        and generator.guarantee is None
    )


def fit_to_add(
    generator: GeneratorInPipeline | None, mechanism: MechanismInPipeline
) -> Guarantee | None:
    """Return the fit's guarantee if it adds to the mechanism's by basic composition.

    A mechanism on codes or training reads what the fitted generator makes of each record: the fit and
    the mechanism read the same records one after the other (``rules.basic_composition``). A data
    mechanism comes before the fit, and the guarantee of an output mechanism holds for any model.
    """
    if generator is None or mechanism.acts_on not in ("latent", "training"):
        return None
    return generator.guarantee


def with_fit(candidate: Candidate) -> Guarantee | None:
    """Return the candidate's guarantee with its fit added; None for metric privacy."""
    if candidate.fit is None:
        return candidate.guarantee
    return basic_composition(candidate.guarantee, candidate.fit)


def fit_alone(generator: GeneratorInPipeline | None) -> str:
    """Return why a fit with a guarantee, and no other, gives the pipeline none; empty without one.

    A reconstruction is a function of the fit and of the private record itself, so it is no
    post-processing of the fit.
    """
    if generator is None or generator.guarantee is None:
        return ""
    only = Candidate(generator.name, generator.guarantee)
    return f"only the fit is private ({only}), and reconstructed records are not"


def with_large_delta(guarantee: Guarantee | None, n_train: int) -> Guarantee | None:
    """Add the condition that a delta of 1/n and above is accepted.

    Publishing one random record of n is (0, 1/n)-DP, so such a delta allows it. Source: Dwork, Roth
    2014, section 2.3.
    """
    if guarantee is None or guarantee.kind == "metric-dp" or guarantee.delta < 1 / n_train:
        return guarantee
    return guarantee.under(large_delta_accepted(n_train))


def _composed(candidates: Sequence[Candidate], n_train: int) -> Composed:
    """Return the guarantee that is shown of several, or why metric privacy leaves none."""
    totals = [with_fit(candidate) for candidate in candidates]
    known = [total for total in totals if total is not None]
    shown = post_processing(known, n_train) if len(known) == len(totals) else None
    if shown is not None:
        return Composed(shown)
    listed = ", ".join(map(str, candidates))
    if len(candidates) > 1:
        return Composed(None, f"metric privacy does not compose with other guarantees: {listed}")
    fit = candidates[0].fit
    assert fit is not None  # a single guarantee without a fit is shown as it is
    return Composed(
        None, f"{listed} has no finite epsilon to add to that of the generator's fit, {fit.short()}"
    )
