"""Tiny populations to train, for training mechanisms and for target models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from privbench.components import Bound
from privbench.components.checks import checked_array, checked_method, checked_probabilities
from privbench.data import Data
from privbench.errors import Incompatible
from privbench.mechanisms.base import TrainingTask
from privbench.testing.problems.base import Problem, Results
from privbench.testing.problems.mechanisms import OfMechanism, small_model
from privbench.testing.problems.sets import first_supported, make_data

if TYPE_CHECKING:
    from privbench.engine import Population

RECORDS, REFERENCES, MODELS = 48, 40, 2
SHARE = 10
"""Models are trained for one of so many of their epochs, since a tiny problem needs few."""


class OfTraining(OfMechanism):
    """A population that a training mechanism trains."""

    fitted_on = "none"

    def inputs(self, variant: int = 0, seeds: Sequence[int] = range(MODELS)) -> TrainingTask:
        """Return the task: each model has its own half of the records, in the order of ``seeds``."""
        from privbench.engine import TrainingSets

        data = make_data(self.spec, 2 * RECORDS, 10 * variant)
        index = np.stack(
            [np.random.default_rng([seed, 9]).permutation(len(data))[:RECORDS] for seed in seeds]
        )
        return TrainingTask(
            model=small_model(),
            spec=self.spec,
            sets=TrainingSets.shared(data.x, data.y, index),
            reference=make_data(self.spec, REFERENCES, 10 * variant + 1),
            seeds=[1000 + seed for seed in seeds],
            device="cpu",
            progress=lambda done, total: None,
        )

    def run(self, bound: Bound, inputs: TrainingTask, seed: int) -> Results:
        """Return the weights of all models."""
        seeds = [one + 7919 * seed for one in inputs.seeds]
        return self.train(bound, replace(inputs, seeds=seeds)).state()

    def train(self, bound: Bound, task: TrainingTask) -> Population:
        """Return the trained population. Raises Incompatible if the mechanism skips such a model."""
        if reason := bound.component.skip(task.spec, task.model):
            raise Incompatible(reason)
        population: Population = bound.component.train_population(task)
        return population

    def protected(self, inputs: TrainingTask) -> Any:
        """Return the reference records; the training sets are the mechanism's own copy."""
        return {"reference": inputs.reference}


class OfNetworks(Problem):
    """A population of torch models, trained by a share of their epochs."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self.spec = first_supported(bound.component.skip, bound.name)

    def inputs(self, variant: int = 0) -> Data:
        """Return the records that all models are trained on."""
        return make_data(self.spec, RECORDS, 10 * variant)

    def run(self, bound: Bound, inputs: Data, seed: int) -> Results:
        """Return the logits of all models."""
        epochs = math.ceil(bound.component.recipe().epochs / SHARE)
        population = self.train(bound, inputs, range(100 * seed, 100 * seed + MODELS), epochs)
        logits = population.predict(inputs.x)
        shape = (len(population), len(inputs), inputs.spec.n_classes)
        return {"logits": checked_array(logits, shape, f"{bound.name}: its module returned")}

    def train(self, bound: Bound, data: Data, seeds: Sequence[int], epochs: int) -> Population:
        """Return one model per seed, trained by the engine on the same records."""
        from privbench.engine import TrainingSets, train_population

        model, spec = bound.component, data.spec
        index = np.tile(np.arange(len(data)), (len(seeds), 1))
        return train_population(
            lambda: model.build(spec.shape, spec.n_classes),
            TrainingSets.shared(data.x, data.y, index),
            replace(model.recipe(), epochs=epochs),
            seeds,
            augment=model.augmentation(),
        )

    def protected(self, inputs: Data) -> Any:
        """Return nothing: modules are handed copies."""
        return None

    def states(self, bound: Bound) -> Any:
        """Return the recipe and the augmentation."""
        return [asdict(bound.component.recipe()), repr(bound.component.augmentation())]


class OfEstimators(Problem):
    """One training set on which an estimator is fitted, and records for which it is asked."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self.spec = first_supported(bound.component.skip, bound.name)

    def inputs(self, variant: int = 0) -> dict[str, Data]:
        """Return training records, and others."""
        return {
            "train": make_data(self.spec, 3 * RECORDS, 10 * variant),
            "asked": make_data(self.spec, RECORDS, 10 * variant + 1),
        }

    def run(self, bound: Bound, inputs: dict[str, Data], seed: int) -> Results:
        """Return the probabilities of the training records and of others."""
        estimator = self.fit(bound, inputs["train"], seed)
        asked = inputs["asked"].x
        return {"probabilities": self.probabilities(bound, estimator, asked)}

    def fit(self, bound: Bound, data: Data, seed: int) -> Any:
        """Return the fitted estimator."""
        rng = np.random.default_rng([seed, 5])
        fitted = bound.component.fit_data(data.copy(), rng)
        return checked_method(fitted, "predict_proba", f"{bound.name}: fit returned")

    def probabilities(self, bound: Bound, estimator: Any, x: Any) -> Any:
        """Return what the estimator answers, checked as the harness does."""
        shape, what = (len(x), self.spec.n_classes), f"{bound.name}: predict_proba returned"
        return checked_probabilities(estimator.predict_proba(x), shape, what)

    def protected(self, inputs: dict[str, Data]) -> Any:
        """Return the records for which it is asked; the training set is the model's own copy."""
        return {"x": inputs["asked"].x}
