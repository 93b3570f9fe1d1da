"""One tiny training set, for generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from privbench.components import Bound
from privbench.components.checks import checked_array, checked_data
from privbench.data import Data
from privbench.generators.base import FittedGenerator, FittedSampler
from privbench.generators.checks import check_fitted
from privbench.privacy import GuaranteeContext
from privbench.testing.problems.base import Problem, Results
from privbench.testing.problems.mechanisms import small_model, stated_by
from privbench.testing.problems.sets import first_supported, make_data

RECORDS = 80


class OfGenerators(Problem):
    """Records that a generator is fitted on, draws more of and, if it can, encodes and decodes."""

    of_the_harness = frozenset({"release"})

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self.spec = first_supported(bound.component.skip, bound.name)

    def inputs(self, variant: int = 0) -> Data:
        """Return the training set."""
        return make_data(self.spec, RECORDS, 10 * variant)

    def run(self, bound: Bound, inputs: Data, seed: int) -> Results:
        """Return records that are drawn, and codes and decoded records if it encodes."""
        (fitted,) = self.fit_all(bound, [inputs], [seed])
        return self.used(bound, fitted, inputs, seed)

    def fit_all(
        self, bound: Bound, sets: Sequence[Data], seeds: Sequence[int]
    ) -> Sequence[FittedSampler]:
        """Return the generators of several training sets, which are copied first."""
        rngs = [np.random.default_rng([seed, 5]) for seed in seeds]
        fitted: Sequence[FittedSampler] = bound.component.fit_population(
            [data.copy() for data in sets], rngs, "cpu", lambda done, total: None
        )
        check_fitted(fitted, len(sets), bound.name, encodes=encodes(bound))
        return fitted

    def used(self, bound: Bound, fitted: FittedSampler, data: Data, seed: int) -> Results:
        """Return what a fitted generator does, checked as the harness does."""
        drawn = fitted.sample(len(data), np.random.default_rng([seed, 6]))
        sample = checked_data(drawn, data, f"{bound.name}: sample returned")
        results: Results = {"x": sample.x, "y": sample.y}
        if isinstance(fitted, FittedGenerator):
            what = f"{bound.name}: encode returned"
            codes = checked_array(fitted.encode(data), (len(data), "latent_dim"), what)
            results["codes"] = codes = codes.astype(np.float32)
            decoded = fitted.decode_labelled(codes.copy(), data.y)
            what = f"{bound.name}: decode returned"
            results["decoded"] = checked_array(decoded, data.x.shape, what)
        return results

    def protected(self, inputs: Data) -> Any:
        """Return the records that are encoded and their labels; those of the fit are a copy."""
        return {"data": inputs}

    def states(self, bound: Bound) -> Any:
        """Return the guarantee of the fit, and on what it is fitted, which the harness reads."""
        component = bound.component
        context = GuaranteeContext(self.spec, RECORDS, small_model(), component.fitted_on)
        stated = stated_by(component, context)
        return [component.fitted_on, None if stated is None else stated.to_json()]


def encodes(bound: Bound) -> bool:
    """Return whether the harness lets a generator encode and decode records, as `stages.fit` decides."""
    return bool(bound.component.release == "reconstruct")


def restored(bound: Bound, state: Mapping[str, Any], data: Data) -> FittedSampler:
    """Return the generator that a state is restored to."""
    copies = {name: array.copy() for name, array in state.items()}
    fitted: FittedSampler = bound.component.restore(copies, data.spec)
    check_fitted([fitted], 1, bound.name, encodes=encodes(bound))
    return fitted
