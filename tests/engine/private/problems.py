"""Modules to train with DP-SGD, and slow references that follow the definition."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from privbench.engine import Batch, PrivateSteps, train_privately
from privbench.engine.private.gaussian import GaussianNoise

from ..problems import CLASSES, FEATURES, RECIPES, SEEDS, mlp, shared_sets

CPU = torch.device("cpu")


STEPS = PrivateSteps(sample_rate=0.2, steps=12, noise_multiplier=0.7, max_grad_norm=0.5)


def train(sets=None, recipe=RECIPES["momentum"], private=STEPS, seeds=SEEDS, **options):
    return train_privately(mlp(), sets or shared_sets(), recipe, private, seeds, **options)


def example(x):
    """A batch of one record."""
    return Batch(x, torch.zeros(1, dtype=torch.int64), torch.tensor(0))


def tensors(x, y, is_example=None, **more):
    """The tensors of a batch, as ``ClippedSums`` takes them."""
    is_example = y >= 0 if is_example is None else is_example
    return {"x": x, "y": y, "is_example": is_example, **more}


def slow_clipped_sum(module, x, y, bound):
    """One gradient after another, clipped and added, by parameter."""
    trained = [p for p in module.parameters() if p.requires_grad]
    total = [torch.zeros_like(p) for p in trained]
    for record, label in zip(x, y, strict=True):
        loss = cross_entropy(module(record[None]), label[None])
        gradient = torch.autograd.grad(loss, trained)
        norm = torch.sqrt(sum(g.square().sum() for g in gradient))
        for sum_, g in zip(total, gradient, strict=True):
            sum_ += g * min(1.0, bound / (float(norm) + 1e-6))
    return total


class Positions(nn.Module):
    """Linear layers on several positions of a record: few of them, then many."""

    def __init__(self, positions):
        super().__init__()
        self.positions = positions
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 3, bias=False)

    def forward(self, x):
        seen = self.first(x.view(len(x), self.positions, 4))
        return self.second(seen.tanh()).mean(1)


class Scaled(nn.Module):
    """A parameter that is of no layer, and a layer that is is_example twice."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, CLASSES)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, 8))
        self.fixed = nn.Parameter(torch.ones(8), requires_grad=False)

    def forward(self, x):
        return self.last(self.first(self.first(x).relu()) * self.scale + self.fixed)


class Tied(nn.Module):
    """Its weight is is_example by a layer and elsewhere."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, CLASSES)

    def forward(self, x):
        return self.layer(x) + self.layer.weight.sum(1)


def convolving():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.Conv2d(4, 6, (2, 1), padding=(1, 0), dilation=(2, 1), groups=2),
        nn.Tanh(),
        nn.Flatten(),
        nn.LazyLinear(CLASSES),
    )


def lines():
    return nn.Sequential(
        nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2),
        nn.GroupNorm(1, 4, affine=True),
        nn.Flatten(),
        nn.LazyLinear(CLASSES),
    )


def made(build, shape):
    """As ``build``, with the sizes of its lazy layers."""

    def full():
        module = build()
        module(torch.zeros(1, *shape))
        return module

    return full


ARCHITECTURES = {
    "mlp": (mlp(), (FEATURES,)),
    "no bias": (lambda: nn.Sequential(nn.Linear(6, 5, bias=False), nn.Linear(5, 3)), (6,)),
    "few positions": (lambda: Positions(2), (8,)),
    "many positions": (lambda: Positions(30), (120,)),
    "layer norm": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3)),
        (6,),
    ),
    "layer norm of positions": (
        lambda: nn.Sequential(nn.LayerNorm(4), nn.Flatten(), nn.Linear(12, 3)),
        (3, 4),
    ),
    "cnn": (made(convolving, (2, 7, 6)), (2, 7, 6)),
    "cnn of lines": (made(lines, (2, 9)), (2, 9)),
    "parameter": (Scaled, (8,)),
    "tied": (Tied, (8,)),
    "padding of its own": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3, padding="same", padding_mode="circular"),
            *(nn.Conv2d(2, 1, 3, padding="same"), nn.Flatten(), nn.Linear(16, 3)),
        ),
        (1, 4, 4),
    ),
}


class Noisy(nn.Module):
    """Takes noise beside the record, and has a parameter that is of no layer."""

    def __init__(self):
        super().__init__()
        self.body, self.scale = nn.Linear(FEATURES, CLASSES), nn.Parameter(torch.ones(CLASSES))

    def forward(self, x, noise):
        return self.body(x) * self.scale + noise


def noisy_loss(forward, batch):
    return (forward(batch.x, batch.random_inputs).square().sum(-1) + batch.y).exp().log1p()


def one_by_one(private, recipe):
    """The same training in plain PyTorch, for ``train_each``."""

    def loop(module, x, y, rng):
        noise = GaussianNoise(int(rng.integers(2**63)), CPU)
        sizes = [parameter.numel() for parameter in module.parameters()]
        drawn = torch.empty(sum(sizes))
        optimizer = recipe.make_optimizer(module.parameters())
        for _ in range(private.steps):
            batch = np.flatnonzero(rng.random(len(x)) < private.sample_rate)
            sums = slow_clipped_sum(module, x[batch], y[batch], private.max_grad_norm)
            noise.fill(drawn, private.noise_multiplier * private.max_grad_norm)
            triples = zip(module.parameters(), sums, drawn.split(sizes), strict=True)
            for parameter, total, own in triples:
                noisy = total + own.view_as(total)
                parameter.grad = noisy / (private.sample_rate * len(x))
            optimizer.step()

    return loop
