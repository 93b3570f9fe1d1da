"""Mechanisms that are planted to be wrong. ``PLANTED`` says which check each must fail, and why."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

import privbench
from privbench import Condition, Data, Guarantee


class Claims:
    """States (epsilon, 0)-DP, whatever it does."""

    def guarantee(self, context):
        return Guarantee(
            "dp", self.epsilon, 0.0, "replace-one", "closed form", (Condition("none"),)
        )


class NoNoise(Claims, privbench.OutputMechanism):
    """Claims epsilon, and adds no noise."""

    name = "no-noise"
    epsilon: float = Field(1.0, gt=0, description="epsilon of the claim")

    def apply(self, probabilities, rng):
        return probabilities


class HalfNoise(Claims, privbench.OutputMechanism):
    """Adds Laplace noise of a third of the scale that its epsilon takes."""

    name = "half-noise"
    epsilon: float = Field(1.0, gt=0, description="epsilon of the claim")

    def apply(self, probabilities, rng):
        noisy = probabilities + rng.laplace(scale=2 / self.epsilon / 3, size=probabilities.shape)
        noisy = np.maximum(noisy, 0) + 1e-9
        return noisy / noisy.sum(1, keepdims=True)


class BareRecords(Claims, privbench.DataMechanism):
    """Claims local DP of records that it leaves as they are."""

    name = "bare-records"
    epsilon: float = Field(50.0, gt=0, description="epsilon of the claim")

    def apply(self, data, rng):
        return data


class BareCodes(privbench.LatentMechanism):
    """Claims metric privacy, and adds noise of a tenth of its scale."""

    name = "bare-codes"
    epsilon: float = Field(2.0, gt=0, description="epsilon per unit of distance")

    def apply(self, codes, rng):
        return codes + rng.laplace(scale=0.1 / self.epsilon, size=codes.shape).astype(np.float32)

    def guarantee(self, context):
        return Guarantee("metric-dp", self.epsilon, 0.0, "local", "closed form")


class BareTraining(Claims, privbench.TrainingMechanism):
    """Claims DP, and trains as everybody does."""

    name = "bare-training"
    epsilon: float = Field(0.5, gt=0, description="epsilon of the claim")

    def train_population(self, task):
        return task.train()


class NoGuarantee(privbench.OutputMechanism):
    """Returns a number as its guarantee."""

    name = "no-guarantee"

    def apply(self, probabilities, rng):
        return probabilities

    def guarantee(self, context):
        return 1.0


class NotNormalised(privbench.OutputMechanism):
    """Returns rows that do not sum to one."""

    name = "not-normalised"

    def apply(self, probabilities, rng):
        return probabilities + 0.1


class OtherClasses(privbench.OutputMechanism):
    """Says that it keeps classes, and moves them."""

    name = "other-classes"
    keeps_classes = True

    def apply(self, probabilities, rng):
        return np.roll(probabilities, 1, axis=1)


class OfTheBatch(privbench.OutputMechanism):
    """Mixes each output with the mean of the query."""

    name = "of-the-batch"

    def apply(self, probabilities, rng):
        return (probabilities + probabilities.mean(0)) / 2


class NotRecordWise(privbench.DataMechanism):
    """Says that it is record-wise, and centres the records."""

    name = "not-record-wise"
    record_wise = True

    def apply(self, data, rng):
        return Data((data.x - data.x.mean(0)).astype(np.float32), data.y, data.spec)


class FewerRecords(privbench.DataMechanism):
    """Leaves out a record."""

    name = "fewer-records"

    def apply(self, data, rng):
        return data.take(np.arange(1, len(data)))


class SortsReference(privbench.DataMechanism):
    """Changes the public records in place."""

    name = "sorts-reference"

    def apply(self, data, rng):
        return data

    def apply_with_reference(self, data, reference, rng):
        reference.x.sort(axis=0)
        return data


CALLS = []


class Counts(privbench.DataMechanism):
    """Adds how often it was called to the records."""

    name = "counts"

    def apply(self, data, rng):
        CALLS.append(1)
        return Data(data.x + np.float32(len(CALLS)), data.y, data.spec)


class TrainsNothing(privbench.TrainingLoop):
    """Computes losses, and takes no step."""

    name = "trains-nothing"

    def train(self, module, x, y, model, rng):
        from torch.nn.functional import cross_entropy

        for _ in range(model.epochs):
            cross_entropy(module(x), y).backward()


class LearnsNothing(privbench.TrainingLoop):
    """Moves the weights, and not by the records."""

    name = "learns-nothing"

    def train(self, module, x, y, model, rng):
        import torch

        with torch.no_grad():
            for weight in module.parameters():
                weight.add_(
                    torch.from_numpy(rng.normal(size=tuple(weight.shape)).astype("float32"))
                )


class SharesSeeds(privbench.TrainingMechanism):
    """Trains all models with the seed of the first."""

    name = "shares-seeds"

    def train_population(self, task):
        from dataclasses import replace

        return replace(
            task, seeds=[task.seeds[0] + i for i in range(len(task.seeds))][::-1]
        ).train()


class UnreadRate(privbench.TrainingLoop):
    """Has a learning rate of its own, and uses that of the model."""

    name = "unread-rate"
    rate: float = Field(0.1, gt=0, description="learning rate")

    def train(self, module, x, y, model, rng):
        from torch.nn.functional import cross_entropy

        optimizer = model.recipe().make_optimizer(module.parameters())
        for _ in range(model.epochs):
            optimizer.zero_grad()
            cross_entropy(module(x), y).backward()
            optimizer.step()


GUARANTEE = "guarantee_is_not_refuted"
PLANTED = [
    (NoNoise, GUARANTEE, "its guarantee does not hold: ε = 1, δ = 0 is stated (dp, 1 queries)"),
    (NoNoise, GUARANTEE, "; nothing is random: all seeds give the same. Draw its noise from"),
    (HalfNoise, GUARANTEE, "samples of each of two neighbouring inputs prove ε >= "),
    (BareRecords, GUARANTEE, "its guarantee does not hold: ε = 0.5"),
    (BareCodes, GUARANTEE, "ε = 1, δ = 0 is stated (metric-dp, codes 0.5 apart)"),
    (BareTraining, GUARANTEE, "its guarantee does not hold: ε = 0.5"),
    (NoGuarantee, GUARANTEE, "guarantee returned float, expected a privbench.Guarantee or None"),
    (NotNormalised, "runs", "rows that do not sum to 1"),
    (OtherClasses, "keeps_classes_is_true", "outputs have another most probable class"),
    (OfTheBatch, "each_query_is_answered_by_itself", "outputs depend on the other records"),
    (NotRecordWise, "record_wise_is_true", "record_wise = True, but another record 0"),
    (FewerRecords, "runs", "expected numbers of shape (60, 7)"),
    (SortsReference, "leaves_its_inputs_alone", "it changed ['reference'].x in place"),
    (Counts, "is_repeatable", "a second call with the same seed gives other results"),
    (TrainsNothing, "trains", "model 0 has the weights that it began with"),
    (LearnsNothing, "weights_depend_on_the_records", "so it learns nothing from them"),
    (SharesSeeds, "each_model_is_trained_by_itself", "another than in a population"),
    (UnreadRate, "every_parameter_matters", "rate is never read (tried 0.2"),
]
HONEST_LAPLACE_SCALE = 2.0


class Honest(Claims, privbench.OutputMechanism):
    """Adds the Laplace noise that its epsilon takes."""

    name = "honest"
    epsilon: float = Field(1.0, gt=0, description="epsilon of the claim")

    def apply(self, probabilities, rng):
        noise = rng.laplace(scale=HONEST_LAPLACE_SCALE / self.epsilon, size=probabilities.shape)
        noisy = np.maximum(probabilities + noise, 0) + 1e-9
        return noisy / noisy.sum(1, keepdims=True)


class OneLabel(privbench.OutputMechanism):
    """Draws a label, at exactly the epsilon that it states: the worst case for a false alarm."""

    name = "one-label"
    mix: float = Field(0.75, gt=0, le=1, description="weight of the uniform distribution")

    def apply(self, probabilities, rng):
        n, classes = probabilities.shape
        mixed = (1 - self.mix) * probabilities + self.mix / classes
        label = (mixed.cumsum(1) > rng.random((n, 1))).argmax(1)
        return np.eye(classes)[label]

    def guarantee(self, context):
        epsilon = math.log(1 + context.spec.n_classes * (1 - self.mix) / self.mix)
        return Guarantee("dp", epsilon, 0.0, "replace-one", "closed form")
