"""Losses and steps of published defenses, batched, against plain loops over one model at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from privbench.engine import Batch, Forward, Phase, Population, Recipe, beta, train_population

from ..problems import (
    CLASSES,
    FEATURES,
    MODELS,
    RECIPES,
    SEEDS,
    M,
    differ,
    mlp,
    own_sets,
    shared_sets,
)

STRATEGIES = ["batched", "sequential"]


RECIPE = Recipe("sgd", 0.1, 0.9, 0.0, 4, 8)


SGD = {"lr": 0.1, "momentum": 0.9}


def fresh(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build()


def epochs(i: int) -> list[list[np.ndarray]]:
    """The positions of each batch of each epoch of model ``i``."""
    rng = np.random.default_rng([SEEDS[i], 0])
    orders = [rng.permutation(M) for _ in range(RECIPE.epochs)]
    return [np.split(order, range(8, M, 8)) for order in orders]


def assert_weights(population: Population, i: int, module: nn.Module) -> None:
    for name, weight in module.named_parameters():
        torch.testing.assert_close(population.params[name][i], weight, atol=2e-5, rtol=1e-4)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def mixup(forward: Forward, batch: Batch) -> Tensor:
    assert batch.random_inputs is not None
    share = batch.random_inputs
    log_p = forward(share * batch.x + (1 - share) * batch.x.roll(1, 0)).log_softmax(-1)
    own = log_p.gather(1, batch.y[:, None])
    other = log_p.gather(1, batch.y.roll(1, 0)[:, None])
    return -(share * own + (1 - share) * other)[:, 0]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_mixup(strategy: str) -> None:
    sets = shared_sets()
    found = train_population(
        mlp(), sets, RECIPE, SEEDS, loss=mixup, random_inputs=beta(0.4), strategy=strategy
    )
    for i in range(MODELS):
        module, (x, y) = fresh(mlp(), SEEDS[i]), sets.of_model(i)
        optimizer = torch.optim.SGD(module.parameters(), **SGD)
        draws = np.random.default_rng([SEEDS[i], 1])
        for batches in epochs(i):
            shares = torch.tensor(draws.beta(0.4, 0.4, M), dtype=torch.float32)
            for start, chosen in zip(range(0, M, 8), batches, strict=True):
                share = shares[start : start + 8]
                one, other = x[chosen], x[np.roll(chosen, 1)]
                logits = module(share[:, None] * one + (1 - share[:, None]) * other)
                losses = share * functional.cross_entropy(logits, y[chosen], reduction="none")
                losses += (1 - share) * functional.cross_entropy(
                    logits, y[np.roll(chosen, 1)], reduction="none"
                )
                descend(optimizer, losses.mean())
        assert_weights(found, i, module)


ALPHA = 0.6


def relax(forward: Forward, batch: Batch) -> Tensor:
    """RelaxLoss (Chen et al. 2022, arXiv 2207.05801, algorithm 1)."""
    logits = forward(batch.x)
    log_p, label = logits.log_softmax(-1), functional.one_hot(batch.y, CLASSES)
    losses = -(log_p * label).sum(-1)
    p = (log_p.exp() * label).sum(-1, keepdim=True).detach()
    soft = p * label + (1 - p) / (CLASSES - 1) * (1 - label)
    right = logits.argmax(-1) == batch.y
    flattened = torch.where(right, losses, -(soft * log_p).sum(-1))
    relaxed = torch.where(batch.epoch % 2 == 0, (losses.mean() - ALPHA).abs(), flattened)
    return torch.where(losses.mean() > ALPHA, losses, relaxed)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_relaxloss_branches_by_epoch_and_by_the_mean_of_the_batch(strategy: str) -> None:
    sets, taken = shared_sets(), set()
    found = train_population(mlp(), sets, RECIPE, SEEDS, loss=relax, strategy=strategy)
    for i in range(MODELS):
        module, (x, y) = fresh(mlp(), SEEDS[i]), sets.of_model(i)
        optimizer = torch.optim.SGD(module.parameters(), **SGD)
        for epoch, batches in enumerate(epochs(i)):
            for chosen in batches:
                logits, label = module(x[chosen]), y[chosen]
                losses = functional.cross_entropy(logits, label, reduction="none")
                if losses.mean() > ALPHA:
                    branch, loss = "descend", losses.mean()
                elif epoch % 2 == 0:
                    branch, loss = "ascend", (losses.mean() - ALPHA).abs()
                else:
                    branch, loss = "flatten", torch.zeros(())
                    for logit, c, own in zip(logits, label, losses, strict=True):
                        p = logit.softmax(-1)[c].item()
                        soft = torch.full((CLASSES,), (1 - p) / (CLASSES - 1))
                        soft[c] = p
                        flat = -(soft * logit.log_softmax(-1)).sum()
                        loss = loss + (own if logit.argmax() == c else flat) / len(chosen)
                taken.add(branch)
                descend(optimizer, loss)
        assert_weights(found, i, module)
    assert taken == {"descend", "ascend", "flatten"}


def distil(forward: Forward, batch: Batch) -> Tensor:
    assert batch.targets is not None
    log_p = forward(batch.x).log_softmax(-1)
    return (batch.targets * (batch.targets.log() - log_p)).sum(-1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_distillation_learns_each_models_own_targets(strategy: str) -> None:
    rng = np.random.default_rng(4)
    targets = rng.dirichlet(np.ones(CLASSES), (MODELS, M)).astype(np.float32)
    sets = shared_sets().adding(targets=targets)
    found = train_population(mlp(), sets, RECIPE, SEEDS, loss=distil, strategy=strategy, chunk=2)
    for i in range(MODELS):
        module, (x, _) = fresh(mlp(), SEEDS[i]), sets.of_model(i)
        optimizer = torch.optim.SGD(module.parameters(), **SGD)
        for batches in epochs(i):
            for chosen in batches:
                log_p, own = module(x[chosen]).log_softmax(-1), torch.tensor(targets[i, chosen])
                loss = functional.kl_div(log_p, own, reduction="batchmean")
                descend(optimizer, loss)
        assert_weights(found, i, module)


class Adversarial(nn.Module):
    """A classifier and the attack that it is trained against."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(FEATURES, 16), nn.ReLU(), nn.Linear(16, CLASSES))
        self.attack = nn.Linear(CLASSES, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.model(x)
        return logits, self.attack(logits.softmax(-1))[:, 0]


def gain(forward: Forward, batch: Batch) -> Tensor:
    """Minus the attack's log-likelihood of members and others (Nasr et al. 2018, eq. 4)."""
    inside, outside = forward(batch.x)[1], forward(batch.other_x)[1]
    return functional.softplus(-inside) + functional.softplus(outside)


def defend(forward: Forward, batch: Batch) -> Tensor:
    logits, inside = forward(batch.x)
    return functional.cross_entropy(logits, batch.y, reduction="none") - 2.0 * functional.softplus(
        -inside
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_adversarial_regularisation_alternates_two_optimizers(strategy: str) -> None:
    rng = np.random.default_rng(5)
    x_other, y_other = rng.normal(size=(30, FEATURES)).astype(np.float32), np.zeros(30, np.int64)
    sets = shared_sets().adding(other=(x_other, y_other))
    phases = [
        Phase(gain, trains="attack.", recipe=Recipe("adam", 0.02, 0.0, 0.0, 1, 1)),
        Phase(defend, trains="model."),
    ]
    found = train_population(Adversarial, sets, RECIPE, SEEDS, loss=phases, strategy=strategy)
    for i in range(MODELS):
        module, (x, y) = fresh(Adversarial, SEEDS[i]), sets.of_model(i)
        attacker = torch.optim.Adam(module.attack.parameters(), lr=0.02)
        defender = torch.optim.SGD(module.model.parameters(), **SGD)
        draws = np.random.default_rng([SEEDS[i], 5])
        for batches in epochs(i):
            drawn = np.concatenate([draws.permutation(30), draws.permutation(30)])[:M]
            for start, chosen in zip(range(0, M, 8), batches, strict=True):
                others = torch.tensor(x_other[drawn[start : start + 8]])
                inside, outside = module(x[chosen])[1], module(others)[1]
                lost = -functional.logsigmoid(inside) - functional.logsigmoid(-outside)
                descend(attacker, lost.mean())
                logits, inside = module(x[chosen])
                loss = functional.cross_entropy(logits, y[chosen])
                descend(defender, loss + 2.0 * functional.logsigmoid(inside).mean())
        assert_weights(found, i, module)


def test_a_phase_that_trains_nothing() -> None:
    with pytest.raises(ValueError, match="no trained parameter has a name that starts with 'head'"):
        train_population(mlp(), shared_sets(), RECIPE, SEEDS, loss=[Phase(relax, trains="head")])


def test_a_phase_leaves_the_other_parameters() -> None:
    sets = shared_sets()
    found = train_population(mlp(), sets, RECIPE, SEEDS, loss=[Phase(relax, trains="0.")])
    everything = train_population(mlp(), sets, RECIPE, SEEDS, loss=relax)
    for i, seed in enumerate(SEEDS):
        assert torch.equal(found.params["3.weight"][i], fresh(mlp(), seed)[3].weight)
    assert differ(found, everything)


def test_a_loss_that_is_not_per_example() -> None:
    def mean(forward: Forward, batch: Batch) -> Tensor:
        return forward(batch.x).mean()

    for strategy in ("batched", "sequential", "auto"):
        with pytest.raises(ValueError, match="one value per example"):
            train_population(mlp(), own_sets(), RECIPES["sgd"], SEEDS, loss=mean, strategy=strategy)
