"""Tiny training sets, codes and outputs, for mechanisms on records, codes and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.components import Bound
from privbench.components.checks import (
    checked_array,
    checked_data,
    checked_method,
    checked_probabilities,
    checked_resolution,
    shown,
)
from privbench.data import Data, DataSpec
from privbench.mechanisms.base import OutputContext, OutputTransform
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.testing.findings import Violation
from privbench.testing.problems.base import Problem, Results
from privbench.testing.problems.sets import TABLE, first_supported, make_data

RECORDS, REFERENCES, DIMENSIONS = 60, 60, 4


def small_model() -> Any:
    """Return the target model that mechanisms are tried with."""
    from privbench.models.mlp import Mlp

    return Mlp(hidden=(12,), epochs=4, batch_size=16, lr=0.05)


def stated_by(component: Any, context: GuaranteeContext) -> Guarantee | None:
    """Return the guarantee that a component states. Raises Violation if it is something else."""
    stated = component.guarantee(context)
    if stated is not None and not isinstance(stated, Guarantee):
        raise Violation(
            f"guarantee returned {shown(stated)}, expected a privbench.Guarantee or None"
        )
    return stated


class OfMechanism(Problem):
    """What all mechanisms have in common: data that they support, and their guarantee."""

    fitted_on = "none"

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        model = small_model()
        self.spec = first_supported(lambda spec: bound.component.skip(spec, model), bound.name)

    def context(self, spec: DataSpec | None = None) -> GuaranteeContext:
        """Return the context in which the mechanism states its guarantee."""
        return GuaranteeContext(spec or self.spec, RECORDS, small_model(), self.fitted_on)  # type: ignore[arg-type] # one of its words

    def guarantee(self, bound: Bound, spec: DataSpec | None = None) -> Guarantee | None:
        """Return what the mechanism states for data of a kind."""
        return stated_by(bound.component, self.context(spec))

    def states(self, bound: Bound) -> Any:
        """Return the guarantees for all kinds of data."""
        from privbench.testing.problems.sets import SPECS

        stated = [self.guarantee(bound, spec) for spec in SPECS]
        return [None if one is None else one.to_json() for one in stated]


@dataclass
class Private:
    """The records of one model, and public ones."""

    data: Data
    reference: Data


class OfData(OfMechanism):
    """One training set, which a mechanism on records alters."""

    def inputs(self, variant: int = 0) -> Private:
        """Return private and reference records."""
        data = make_data(self.spec, RECORDS, 10 * variant)
        if not self.bound.component.reads_private:
            data = data.first(0)
        return Private(data, make_data(self.spec, REFERENCES, 10 * variant + 1))

    def run(self, bound: Bound, inputs: Private, seed: int) -> Results:
        """Return the altered records."""
        given = inputs.data.copy()
        rng = np.random.default_rng([seed, 5])
        returned = bound.component.apply_with_reference(inputs.data, inputs.reference, rng)
        altered = checked_data(returned, given, f"{bound.name}: apply returned")
        return {"x": altered.x, "y": altered.y}

    def protected(self, inputs: Private) -> Any:
        """Return the reference records; the others are the mechanism's own copy."""
        return {"reference": inputs.reference}


@dataclass
class Codes:
    """The codes of one training set, and those of reference records."""

    codes: NDArray[np.float32]
    reference: NDArray[np.float32]


class OfCodes(OfMechanism):
    """The codes of one training set, which a latent mechanism alters."""

    fitted_on = "reference"

    def inputs(self, variant: int = 0) -> Codes:
        """Return codes (records, dimensions) of private and reference records."""
        rng = np.random.default_rng([variant, 4])
        mix = rng.normal(size=(DIMENSIONS, DIMENSIONS))
        private, reference = (
            (rng.normal(size=(n, DIMENSIONS)) @ mix).astype(np.float32)
            for n in (RECORDS, REFERENCES)
        )
        return Codes(private, reference)

    def run(self, bound: Bound, inputs: Codes, seed: int) -> Results:
        """Return the altered codes."""
        shape, rng = inputs.codes.shape, np.random.default_rng([seed, 5])
        returned = bound.component.apply_with_reference(inputs.codes, inputs.reference, rng)
        codes = checked_array(returned, shape, f"{bound.name}: apply returned")
        return {"codes": codes.astype(np.float32)}

    def protected(self, inputs: Codes) -> Any:
        """Return the codes of reference records; the others are the mechanism's own copy."""
        return {"reference": inputs.reference}


@dataclass
class Queries:
    """Outputs of one model for some queries, and what a mechanism may fit itself to."""

    probabilities: NDArray[np.float64]
    context: OutputContext


class OfOutputs(OfMechanism):
    """The outputs of one model, which is surer of its own records."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self.spec = TABLE

    def inputs(self, variant: int = 0) -> Queries:
        """Return outputs (queries, classes), and the context of the model."""
        rng = np.random.default_rng([variant, 6])
        classes, weight = self.spec.n_classes, rng.normal(size=(7, self.spec.n_classes))
        members, others = (make_data(self.spec, RECORDS, 10 * variant + i) for i in (0, 1))

        def answer(data: Data, margin: float) -> NDArray[np.float64]:
            logits = data.x.astype(float) @ weight + margin * np.eye(classes)[data.y]
            return _softmax(logits)

        context = OutputContext(
            spec=self.spec,
            member_outputs=answer(members, 6.0),
            member_labels=members.y,
            reference_outputs=answer(others, 2.0),
            reference_labels=others.y,
            query=lambda x: _softmax(np.asarray(x, dtype=float) @ weight),
        )
        sharp = np.eye(classes)[rng.integers(0, classes, 3)]
        even = np.full((1, classes), 1 / classes)
        both = [answer(members, 6.0)[:20], answer(others, 2.0)[:20], sharp, even]
        return Queries(np.concatenate(both), context)

    def run(self, bound: Bound, inputs: Queries, seed: int) -> Results:
        """Return the defended outputs."""
        bare, rng = inputs.probabilities, np.random.default_rng([seed, 5])
        shape = bare.shape
        returned = self.transform(bound, inputs, seed)(bare, rng)
        defended = checked_probabilities(returned, shape, f"{bound.name}: apply returned")
        return {"probabilities": defended}

    def transform(self, bound: Bound, inputs: Queries, seed: int) -> OutputTransform:
        """Return the function that transforms the outputs of the model."""
        if not bound.component.needs_fit:
            apply: OutputTransform = bound.component.apply
            return apply
        fitted = bound.component.fit(inputs.context, np.random.default_rng([seed, 8]))
        transform: OutputTransform = checked_method(fitted, "", f"{bound.name}: fit returned")
        return transform

    def protected(self, inputs: Queries) -> Any:
        """Return the labels of reference records; all else is the mechanism's own copy."""
        return {"reference_labels": inputs.context.reference_labels}

    def states(self, bound: Bound) -> Any:
        """Return the guarantees, and what else is said of outputs."""
        resolution = checked_resolution(bound.component.resolution(), bound.name)
        return [super().states(bound), resolution, bound.component.queries_covered()]


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(-1, keepdims=True)
    return shares
