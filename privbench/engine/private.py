"""DP-SGD for a whole population at once.

Every step takes each record with probability ``sample_rate`` (Poisson sampling, so the models' batches
differ in size and are padded), clips each example's gradient to ``max_grad_norm``, adds Gaussian noise
of ``noise_multiplier * max_grad_norm`` to the sum, and divides by the expected batch size (Abadi et al.
2016, arXiv 1607.00133, algorithm 1). Clipping is exact and costs no gradient per example, see ``taps``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from privbench.engine.batched import trainable
from privbench.engine.choice import MEMORY, choose, largest_chunk
from privbench.engine.errors import Diverged
from privbench.engine.loss import Batch, Progress, cross_entropy, no_progress
from privbench.engine.parallel import Ticker, spread, train_chunks, workers_for
from privbench.engine.population import Build, Population, build_all, build_seeded
from privbench.engine.processes import can_fork
from privbench.engine.randomness import seeded
from privbench.engine.recipe import Recipe
from privbench.engine.sets import TrainingSets
from privbench.engine.taps import Taps, find_taps, squared_norms, weighted_gradients
from privbench.engine.train import check_seeds, concatenate


@dataclass(frozen=True)
class PrivateSteps:
    """What DP-SGD does beside the recipe's optimizer; the recipe's epochs do not count."""

    sample_rate: float
    steps: int
    noise_multiplier: float
    max_grad_norm: float


def train_privately(
    build: Build,
    sets: TrainingSets,
    recipe: Recipe,
    private: PrivateSteps,
    seeds: Sequence[int],
    *,
    device: torch.device | str = "cpu",
    chunk: int | None = None,
    memory: int = MEMORY,
    progress: Progress = no_progress,
) -> Population:
    """Train one model per seed and training set with DP-SGD, all as one computation.

    As `train_population`, with cross-entropy. Batches and noise of model i follow from ``seeds[i]``,
    and are those that `train_each` hands to a loop of the caller's: noise seeded first, then one
    uniform draw per record and step. Raises NotTapped for modules that have other layers with
    parameters than linear ones, Diverged where weights are not finite.
    """
    device = torch.device(device)
    check_seeds(sets, seeds)
    sets = sets.to(device)
    workers = workers_for(device)
    size = chunk or spread(
        len(seeds), _largest(build, sets, recipe, private, seeds, memory), workers
    )
    tick = Ticker(len(seeds) * private.steps, progress)

    def train(models: range) -> Population:
        return _Job(build, sets, recipe, private, seeds, models, device).train(tick)

    with seeded(seeds[0], device):
        parts = train_chunks(build, len(seeds), size, workers, train, tick, fork=can_fork(device))
    return concatenate(parts)


def can_train_privately(build: Build, sets: TrainingSets, device: torch.device | str) -> str:
    """Why a population of such modules cannot be trained at once; empty if it can.

    Tries one step of two models on two records.
    """
    device = torch.device(device)
    modules = build_all(build, [0, 1], device)
    choice = choose(modules[0], 2, device)
    if choice.strategy == "sequential":
        return choice.reason
    if any(isinstance(part, nn.Dropout) for part in modules[0].modules()):
        return "Dropout draws masks for examples that padding adds"
    x, y = (tensor[:2].to(device) for tensor in sets.flat())
    x, y = x.expand(2, *x.shape), y.expand(2, *y.shape)
    try:
        with seeded(0, device):
            population = Population.of(build, modules)
            _Gradients(modules[0], population, x[0, :1]).clipped(x, y, torch.ones_like(y) > 0, 1.0)
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return ""


def _largest(
    build: Build,
    sets: TrainingSets,
    recipe: Recipe,
    private: PrivateSteps,
    seeds: Sequence[int],
    memory: int,
) -> int:
    """How many models to train at once within ``memory`` bytes."""
    device = sets.y.device
    module = build_seeded(build, seeds[0]).train().to(device)
    gradients = _Gradients(module, Population.of(build, [module]), sets.flat()[0][:1])
    width = sum(tap.width + sets.x[0].numel() for tap in gradients.taps)  # what enters, and leaves
    batch = private.sample_rate * sets.m + 6 * (private.sample_rate * sets.m) ** 0.5
    size, _ = largest_chunk(
        module,
        len(seeds),
        device,
        copies=recipe.copies + 1,
        activations=int(4 * batch * width),
        memory=memory,
        workers=workers_for(device),
    )
    return size


@dataclass(frozen=True)
class _Job:
    build: Build
    sets: TrainingSets
    recipe: Recipe
    private: PrivateSteps
    seeds: Sequence[int]
    models: range
    device: torch.device

    def train(self, tick: Callable[[int], None]) -> Population:
        seeds = [self.seeds[i] for i in self.models]
        modules = build_all(self.build, seeds, self.device)
        population = Population.of(self.build, modules)
        gradients = _Gradients(modules[0], population, self.sets.flat()[0][:1])
        params = {name: population.params[name] for name in gradients.trained}
        optimizer = self.recipe.make_optimizer(params.values())
        noise = _Noise(self._rngs(), self.private, self.device)
        expected = self.private.sample_rate * self.sets.m
        for _ in range(self.private.steps):
            x, y, used = self._batch(noise.rngs)
            sums = gradients.clipped(x, y, used, self.private.max_grad_norm)
            for name, weight in params.items():
                noise.add_to(sums[name])
                weight.grad = sums[name].div_(expected)
            optimizer.step()
            tick(len(self.models))
        for weight in params.values():
            weight.grad = None
        self._check(params)
        return population

    def _rngs(self) -> list[np.random.Generator]:
        return [np.random.default_rng([self.seeds[i], 3]) for i in self.models]

    def _batch(self, rngs: Sequence[np.random.Generator]) -> tuple[Tensor, Tensor, Tensor]:
        """Records (models, batch, *shape), labels, and which of them are no padding (models, batch)."""
        m = self.sets.m
        chosen = [np.flatnonzero(rng.random(m) < self.private.sample_rate) for rng in rngs]
        longest = max(1, *(len(one) for one in chosen))
        index = np.zeros((len(chosen), longest), np.int64)
        used = np.zeros((len(chosen), longest), bool)
        for row, one in enumerate(chosen):
            index[row, : len(one)] = one
            used[row, : len(one)] = True
        where = torch.from_numpy(index).to(self.device)
        rows = self.sets.rows(self.models).gather(1, where)
        x, y = self.sets.flat()
        picked = x.index_select(0, rows.flatten()).view(*rows.shape, *x.shape[1:])
        return picked, y[rows], torch.from_numpy(used).to(self.device)

    def _check(self, params: dict[str, Tensor]) -> None:
        for stacked in params.values():
            good = stacked.isfinite().flatten(1).all(1)
            if not good.all():
                model = self.models[int(good.int().argmin())]
                raise Diverged(
                    f"model {model} diverged: its weights are not finite; lower lr"
                    f" (now {self.recipe.lr:g})"
                )


class _Gradients:
    """Sums of clipped gradients of all models of a chunk."""

    def __init__(self, module: nn.Module, population: Population, record: Tensor) -> None:
        self.module = module
        self.trained = trainable(module)
        both = {**population.params, **population.buffers}
        self.weights = {name: both[name] for name in self.trained}
        self.frozen = {name: t for name, t in both.items() if name not in self.trained}
        first = {name: stacked[0].detach() for name, stacked in both.items()}
        own = {name: first[name] for name in self.trained}
        self.taps = find_taps(own, lambda: functional_call(module, first, (record,)))
        self._run = vmap(self._one, in_dims=(0, 0, 0, 0, 0))

    def clipped(self, x: Tensor, y: Tensor, used: Tensor, norm: float) -> dict[str, Tensor]:
        """The sums (models, ...) by parameter; each example's gradient has at most this norm."""
        shifts = tuple(x.new_zeros((*y.shape, tap.width)) for tap in self.taps)
        params = {name: weight.detach() for name, weight in self.weights.items()}
        with torch.no_grad():
            left, entered = self._run(params, self.frozen, x, y, shifts)
            norms = squared_norms(self.taps, entered, left).sqrt()  # (models, batch)
            factor = (norm / (norms + 1e-6)).clamp(max=1.0) * used
            return weighted_gradients(self.taps, entered, left, factor)

    def _one(
        self,
        params: dict[str, Tensor],
        frozen: dict[str, Tensor],
        x: Tensor,
        y: Tensor,
        shifts: tuple[Tensor, ...],
    ) -> Any:
        """One model: the loss's gradients at the layers' outputs, and their inputs."""

        def loss(shifts: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
            with Taps(params, shifts) as taps:
                losses = cross_entropy(
                    lambda batch: functional_call(self.module, {**params, **frozen}, (batch,)),
                    Batch(x, y, x.new_zeros(())),
                )
            return losses.sum(), tuple(taps.entered)

        return grad(loss, has_aux=True)(shifts)


class _Noise:
    """The Gaussian noise of each model, from its own generator."""

    def __init__(
        self, rngs: list[np.random.Generator], private: PrivateSteps, device: torch.device
    ) -> None:
        seeds = [int(rng.integers(2**63)) for rng in rngs]
        self.rngs = rngs
        self.sd = private.noise_multiplier * private.max_grad_norm
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def add_to(self, sums: Tensor) -> None:
        """Add to the gradients (models, ...) of one parameter, in place."""
        for row, generator in zip(sums, self.generators, strict=True):
            row += torch.normal(0.0, self.sd, row.shape, device=row.device, generator=generator)
