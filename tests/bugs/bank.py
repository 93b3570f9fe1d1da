"""The bug bank: a plugin of mechanisms and generators that break what they claim (docs/bug-bank.md).

Each bug is a few lines in a correct component, and states the guarantee of that. ``bank.toml``
has the settings in which they are audited:

- ``ballots``: all records are equal, with one label. A mislabelled one pulls exactly the other
  way, so that replacing it by another is the worst case that a guarantee covers.
- ``boxes``: ordinary records are zero, so that only canaries have gradients, each on its own feature.
- ``released``: points on a sphere with a label of their own, some of which are released.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import nn

from privbench import (
    Data,
    Dataset,
    DataSpec,
    FittedGenerator,
    Generator,
    Guarantee,
    SyntheticAttack,
    TorchModel,
    hookimpl,
)
from privbench.mechanisms.dp_sgd import DpSgd
from privbench.mechanisms.metric_privacy import MetricPrivacy, clip_to_ball
from privbench.privacy.sampled_gaussian import guarantee_of

# ---- the settings


class Ballots(Dataset):
    """Equal records with equal labels, but for one that shows that there are two classes."""

    name: ClassVar[str] = "ballots"
    records: int = Field(1000, ge=10, description="number of records")

    def load(self) -> Data:
        x = np.ones((self.records, 1), np.float32)
        y = (np.arange(self.records) == 0).astype(np.int64)
        return Data(x, y, DataSpec("binary", (1,), 2))


class Boxes(Dataset):
    """Records of zeros."""

    name: ClassVar[str] = "boxes"
    records: int = Field(160, ge=10, description="number of records")

    def load(self) -> Data:
        x = np.zeros((self.records, 64), np.float32)
        return Data(x, np.arange(self.records) % 2, DataSpec("binary", (64,), 2))


class Sphere(Dataset):
    """Random directions in 32 dimensions, with as many classes as every other record."""

    name: ClassVar[str] = "sphere"
    records: int = Field(160, ge=10, description="number of records")
    classes: int = Field(40, ge=2, description="number of classes")

    def load(self) -> Data:
        x = np.random.default_rng(0).normal(size=(self.records, 32))
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        y = np.arange(self.records) % self.classes
        return Data(x.astype(np.float32), y, DataSpec("tabular", (32,), self.classes))


class Counter(TorchModel):
    """Linear from zero and without bias: a weight counts the records with a feature and a label."""

    name: ClassVar[str] = "counter"

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        layer = nn.Linear(shape[0], n_classes, bias=False)
        nn.init.zeros_(layer.weight)
        return layer


# ---- bugs of DP-SGD


class Buggy(DpSgd):
    """Correct DP-SGD; its subclasses train otherwise than they state."""

    name: ClassVar[str] = "correct"

    def noise_of(self, task) -> float:
        return self._noise_multiplier(self._sampled_steps(task.model, task.sets.m))

    def trained(self, task, **changes):
        changes = {"epsilon": None, "noise_multiplier": self.noise_of(task)} | changes
        return DpSgd(**(self.params() | changes)).train_population(task)

    def train_population(self, task):
        return self.trained(task)


class Unclipped(Buggy):
    """Gradients are not clipped; the noise is as large as if they were."""

    name: ClassVar[str] = "unclipped"

    def train_population(self, task):
        noise = self.noise_of(task) / 1e4
        return self.trained(task, max_grad_norm=1e4 * self.max_grad_norm, noise_multiplier=noise)


class HalfNoise(Buggy):
    """The standard deviation of the noise is half of what was accounted for."""

    name: ClassVar[str] = "half-noise"

    def train_population(self, task):
        return self.trained(task, noise_multiplier=self.noise_of(task) / 2)


class SameNoise(Buggy):
    """The generator of the noise is seeded by a constant, so that all models get the same noise."""

    name: ClassVar[str] = "same-noise"

    def train_population(self, task):
        return self.trained(replace(task, seeds=[0] * len(task.seeds)))


class StepShort(Buggy):
    """The accountant counts one step fewer than are taken: the first one is not recorded."""

    name: ClassVar[str] = "step-short"

    def _accounted(self, model, n):
        sampled = self._sampled_steps(model, n)
        return replace(sampled, steps=sampled.steps - 1)

    def noise_of(self, task) -> float:
        return self._noise_multiplier(self._accounted(task.model, task.sets.m))

    def guarantee(self, context):
        sampled = self._accounted(context.model, context.n_train)
        return guarantee_of(self._noise_multiplier(sampled), sampled)


class Loop(Buggy):
    """DP-SGD as a loop, for one model after another."""

    name: ClassVar[str] = "loop"

    def train_population(self, task):
        return self._train_each(task)

    def train(self, module, x, y, model, rng) -> None:
        sampled = self._sampled_steps(model, len(x))
        noise, expected = self._noise_multiplier(sampled), sampled.sample_rate * len(x)
        weight = next(module.parameters())
        for batch in self.batches(len(x), sampled, rng):
            total = self.clipped_sum(weight, x[batch], y[batch])
            drawn = torch.from_numpy(rng.normal(size=weight.shape).astype(np.float32))
            with torch.no_grad():
                step = (total + noise * self.max_grad_norm * drawn) / self.divisor(expected)
                weight -= self.recipe(model).lr * step

    def batches(self, n, sampled, rng):
        for _ in range(sampled.steps):
            yield np.flatnonzero(rng.random(n) < sampled.sample_rate)

    def divisor(self, expected: float) -> float:
        return expected

    def clipped_sum(self, weight, x, y):
        """Return the sum of gradients (classes, features) that are clipped one by one."""
        return self._clipped(self._gradients(weight, x, y)).sum(0)

    def _gradients(self, weight, x, y):
        """Return the gradients (batch, classes, features) of the loss of a linear model."""
        errors = torch.softmax(x @ weight.detach().T, 1) - torch.eye(len(weight))[y]
        return errors[:, :, None] * x[:, None, :]

    def _clipped(self, gradients):
        norms = gradients.flatten(1).norm(dim=1).clamp(min=1e-9)
        return gradients * (self.max_grad_norm / norms).clamp(max=1.0)[:, None, None]


class Microbatches(Loop):
    """Clips the mean gradient of 20 records, and weights it by 20."""

    name: ClassVar[str] = "microbatches"
    size: ClassVar[int] = 20

    def clipped_sum(self, weight, x, y):
        parts = self._gradients(weight, x, y).split(self.size)
        means = torch.stack([part.mean(0) for part in parts])
        return self.size * self._clipped(means).sum(0)


class Shuffled(Loop):
    """Batches of a fixed size from a shuffled training set, accounted for as Poisson samples."""

    name: ClassVar[str] = "shuffled"

    def batches(self, n, sampled, rng):
        size = round(sampled.sample_rate * n)
        order = rng.permutation(n)
        for step in range(sampled.steps):
            start = step * size % (n - n % size)
            if start == 0:
                order = rng.permutation(n)
            yield order[start : start + size]


class FlooredBatch(Loop):
    """Divides by the floor of the expected batch size, which differs if a record is added."""

    name: ClassVar[str] = "floored-batch"

    def divisor(self, expected: float) -> float:
        return max(1.0, np.floor(expected))


# ---- bugs of releases


class FittedIdentity(FittedGenerator):
    """Codes are records."""

    def encode(self, data):
        return data.x.reshape(len(data), -1)

    def decode(self, codes):
        return codes

    def sample(self, n, rng):
        raise NotImplementedError


class Identity(Generator):
    """The generator whose codes are the records themselves."""

    name: ClassVar[str] = "identity"

    def fit(self, data, rng):
        return FittedIdentity()


class ExponentialNorm(MetricPrivacy):
    """Draws the norm of the noise from an exponential distribution, which is right in one dimension."""

    name: ClassVar[str] = "exponential-norm"

    def _noisy(self, codes, rng):
        direction = rng.standard_normal(codes.shape)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        norm = rng.exponential(1 / self.epsilon, (len(codes), 1))
        return clip_to_ball(codes, self.radius) + direction * norm


class BareLabels(MetricPrivacy):
    """Claims to cover records, but the label of each is released as it is."""

    name: ClassVar[str] = "bare-labels"

    def guarantee(self, context):
        return replace(super().guarantee(context), covers="records", conditions=())


class NoisyCounts(FittedGenerator):
    """The number of records of each class with noise."""

    def __init__(self, data: Data, counts) -> None:
        self.data, self.counts = data, np.maximum(counts, 0) + 1e-9

    def encode(self, data):
        return data.x.reshape(len(data), -1)

    def decode(self, codes):
        return codes

    def sample(self, n, rng):
        y = rng.choice(len(self.counts), n, p=self.counts / self.counts.sum())
        x = rng.normal(size=(n, *self.data.spec.shape)) / np.sqrt(self.data.x[0].size)
        return Data(x.astype(np.float32), y, self.data.spec)


class Histogram(Generator):
    """Random features, with labels by a noisy histogram, two counts of which a replacement changes."""

    name: ClassVar[str] = "histogram"
    epsilon: float = Field(1.0, gt=0, description="epsilon of the histogram")

    def fit(self, data, rng):
        counts = np.bincount(data.y, minlength=data.spec.n_classes)
        return NoisyCounts(data, counts + rng.laplace(scale=2 / self.epsilon, size=len(counts)))

    def guarantee(self, context):
        return Guarantee("dp", self.epsilon, 0.0, "replace-one", "closed form")


class Copying(NoisyCounts):
    """Draws records of the training set."""

    def sample(self, n, rng):
        return self.data.take(rng.choice(len(self.data), n))


class Copier(Histogram):
    """Overfits: each new record is one of the training set."""

    name: ClassVar[str] = "copier"

    def fit(self, data, rng):
        return Copying(data, np.ones(data.spec.n_classes))


# ---- attacks on releases


class SameLabel(SyntheticAttack):
    """The number of released records with the record's label."""

    name: ClassVar[str] = "same-label"
    needs_shadows: ClassVar[str] = "no"

    def score(self, view):
        counts = np.bincount(view.synthetic.y, minlength=view.labels.max() + 1)
        return counts[view.labels].astype(float)


@hookimpl
def register_datasets(register):
    for dataset in (Ballots, Boxes, Sphere):
        register(dataset)


@hookimpl
def register_models(register):
    register(Counter)


@hookimpl
def register_mechanisms(register):
    for bug in (
        Unclipped,
        HalfNoise,
        SameNoise,
        StepShort,
        Loop,
        Microbatches,
        Shuffled,
        FlooredBatch,
    ):
        register(bug)
    for bug in (ExponentialNorm, BareLabels):
        register(bug)


@hookimpl
def register_generators(register):
    for generator in (Identity, Histogram, Copier):
        register(generator)


@hookimpl
def register_attacks(register):
    register(SameLabel)
