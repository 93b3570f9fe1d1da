"""DP-SGD for a whole population at once.

Every step takes each record with probability ``sample_rate`` (Poisson sampling, so the models' batches
differ in size and are padded), clips each example's gradient to ``max_grad_norm``, adds Gaussian noise
of ``noise_multiplier * max_grad_norm`` to the sum, and divides by the expected batch size (Abadi et al.
2016, arXiv 1607.00133, algorithm 1).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, fx, nn

from privbench.engine.batched import Update
from privbench.engine.choice import choose, largest_chunk, memory_of
from privbench.engine.clipping import ClippedSums
from privbench.engine.errors import Diverged
from privbench.engine.gaussian import GaussianNoise
from privbench.engine.job import Gather
from privbench.engine.loss import Batch, Loss, Noise, Progress, cross_entropy, no_progress
from privbench.engine.parallel import Ticker, cut, one_thread, spread, train_chunks, workers_for
from privbench.engine.population import Build, Population, build_all, build_seeded
from privbench.engine.processes import can_fork
from privbench.engine.products import separate_results, use_faster_products
from privbench.engine.randomness import Draws, seeded
from privbench.engine.recipe import Recipe
from privbench.engine.sets import TrainingSets
from privbench.engine.simplify import simplify
from privbench.engine.train import check_seeds, concatenate

log = logging.getLogger(__name__)

RECORDED = 100
"""Steps from which recording one pays."""


@dataclass(frozen=True)
class PrivateSteps:
    """What DP-SGD does beside the recipe's optimizer; the recipe's epochs do not count."""

    sample_rate: float
    steps: int
    noise_multiplier: float
    max_grad_norm: float

    def lengths(self, m: int) -> list[int]:
        """Lengths to which batches of ``m`` records are padded: few, so that steps can be recorded.

        Two and four standard deviations above the expected number; a longer batch stays as it is.
        """
        expected = self.sample_rate * m
        sd = (expected * (1 - self.sample_rate)) ** 0.5
        return sorted({min(m, -int(-(expected + k * sd) // 8) * 8) for k in (2, 4)})


def train_privately(
    build: Build,
    sets: TrainingSets,
    recipe: Recipe,
    private: PrivateSteps,
    seeds: Sequence[int],
    *,
    loss: Loss = cross_entropy,
    noise: Noise | None = None,
    device: torch.device | str = "cpu",
    chunk: int | None = None,
    memory: int | None = None,
    progress: Progress = no_progress,
) -> Population:
    """Train one model per seed and training set with DP-SGD, all as one computation.

    As `train_population`; ``loss`` must be a sum over examples, without what mixes them, and
    ``noise`` is the loss's own. Batches and noise of model i follow from ``seeds[i]``, and are
    those that `train_each` hands to a loop of the caller's: noise seeded first, then one uniform
    draw per record and step. Raises ValueError for modules that ``can_train_privately`` refuses,
    Diverged where weights are not finite.
    """
    device = torch.device(device)
    check_seeds(sets, seeds)
    if problem := can_train_privately(build, sets, device, loss=loss, noise=noise):
        raise ValueError(f"DP-SGD cannot train this module: {problem}")
    stacked = choose(build_seeded(build, seeds[0]), 2, device).strategy == "batched"
    tick = Ticker(len(seeds) * private.steps, progress)
    job = _Job(
        build, sets.to(device), recipe, private, seeds, loss, noise, device, stacked, tick
    )  # fmt: skip
    workers = workers_for(device)
    if chunk or not stacked:
        chunks = cut(len(seeds), chunk if chunk and stacked else 1)
    else:
        chunks = spread(len(seeds), job.largest(memory or memory_of(device)), workers)
    log.debug("%d models with DP-SGD, in chunks of %d", len(seeds), len(chunks[0]))
    if private.steps >= RECORDED:
        with one_thread():
            job.record({len(one) for one in chunks})
    with seeded(seeds[0], device):
        parts = train_chunks(build, chunks, workers, job.train, tick, fork=can_fork(device))
    return concatenate(parts)


def can_train_privately(
    build: Build,
    sets: TrainingSets,
    device: torch.device | str,
    *,
    loss: Loss = cross_entropy,
    noise: Noise | None = None,
) -> str:
    """Why populations of such modules cannot be trained here; empty if they can.

    Tries one step of two models on two records.
    """
    device = torch.device(device)
    modules = build_all(build, [0, 1], device)
    for part in modules[0].modules():
        if isinstance(part, (nn.modules.batchnorm._BatchNorm, nn.RNNBase)):
            return f"{type(part).__name__} keeps state or mixes the examples of a batch"
        if isinstance(part, nn.modules.dropout._DropoutNd) and part.p:
            return f"{type(part).__name__} draws masks for examples that padding adds"
    if not any(p.requires_grad for p in modules[0].parameters()):
        return "the module has no parameters to train"
    stacked = choose(modules[0], 2, device).strategy == "batched"
    first = sets.flat()[0][:1].to(device), sets.flat()[1][:1].to(device)
    x, y = (tensor.expand(2, 2, *tensor.shape[1:]) for tensor in first)
    drawn = _drawn(noise, [0, 1], 2, device)
    example = Batch(x[0, :1], y[0, :1], torch.tensor(0), None if drawn is None else drawn[0, :1])
    try:
        with seeded(0, device):
            before = torch.random.get_rng_state()
            population = Population.of(build, modules)
            sums = ClippedSums(modules[0], population, example, stacked=stacked, loss=loss)
            weights = {**population.params, **population.buffers}
            sums(weights, x, y, torch.ones_like(y) > 0, 1.0, noise=drawn)
            if not torch.equal(before, torch.random.get_rng_state()):
                return "it draws random numbers, also for examples that padding adds"
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return ""


@dataclass(frozen=True)
class _Job:
    build: Build
    sets: TrainingSets
    recipe: Recipe
    private: PrivateSteps
    seeds: Sequence[int]
    loss: Loss
    noise: Noise | None
    device: torch.device
    stacked: bool
    tick: Callable[[int], None]
    recorded: dict[torch.Size, fx.GraphModule] = field(default_factory=dict)
    """Steps by the shape (models, batch) of their labels."""

    def largest(self, memory: int) -> int:
        """How many models to train at once within ``memory`` bytes."""
        module = build_seeded(self.build, self.seeds[0]).train().to(self.device)
        record = self.sets.flat()[0][:1]
        population = Population.of(self.build, [module])
        sums = self._sums(module, population)
        outputs = sum(int(np.prod(layer.shape)) for layer in sums.layers)
        width = 2 * outputs + (len(sums.layers) + 1) * record.numel()  # what enters, and leaves
        each = sum(population.params[name].numel() for name in sums.others)
        size, _ = largest_chunk(
            module,
            len(self.seeds),
            self.device,
            copies=self.recipe.copies + 1,
            activations=4 * max(self.private.lengths(self.sets.m)) * (width + each),
            memory=memory,
            workers=workers_for(self.device),
        )
        return size

    def train(self, models: range) -> Population:
        """Train some of the models."""
        modules = build_all(self.build, [self.seeds[i] for i in models], self.device)
        population = Population.of(self.build, modules)
        weights = {**population.params, **population.buffers}
        sums = self._sums(modules[0], population)
        update = Update([weights[n] for n in sums.names], self._separate(sums.names), self.recipe)
        gather = Gather()
        norm, expected = self.private.max_grad_norm, self.private.sample_rate * self.sets.m
        shapes = [weights[name].shape[1:] for name in sums.names]
        noise = _Noise([self.seeds[i] for i in models], self.private, expected, shapes, self.device)
        draws = Draws([self.seeds[i] for i in models])
        for _ in range(self.private.steps):
            x, y, used = self._batch(models, noise.rngs, gather)
            of_loss = [draws.noise(self.noise, y.shape[1]).to(self.device)] if self.noise else []
            replay = self.recorded.get(y.shape)
            with torch.no_grad():
                if replay is None:
                    found = sums(weights, x, y, used, norm, 1 / expected, *of_loss)
                else:
                    found = replay.forward(x, y, used, *of_loss, *weights.values())
                noise.add_to(found)
            update(found)
            self.tick(len(models))
        self._check(population.params, models)
        return population

    def record(self, sizes: Iterable[int]) -> None:
        """Record the steps of chunks of these sizes. Not while another thread runs a module."""
        from torch.fx.experimental.proxy_tensor import make_fx

        x, y = self.sets.flat()
        for size in sizes:
            modules = build_all(self.build, [self.seeds[i] for i in range(size)], self.device)
            population = Population.of(self.build, modules)
            weights = {**population.params, **population.buffers}
            step = self._step(self._sums(modules[0], population), list(weights))
            for length in self.private.lengths(self.sets.m):
                rows = torch.zeros((size, length), dtype=torch.int64, device=self.device)
                drawn = _drawn(self.noise, self.seeds[:size], length, self.device)
                of_loss = [] if drawn is None else [drawn]
                batch = Gather()(x, rows), y[rows], rows == 0, *of_loss
                found = make_fx(step)(*batch, *weights.values())
                simplify(found)
                use_faster_products(found)
                self.recorded[rows.shape] = found

    def _step(self, sums: ClippedSums, names: Sequence[str]) -> Callable[..., list[Tensor]]:
        """The clipped sums as a function of tensors: batch, and weights in the order of ``names``."""

        expected = self.private.sample_rate * self.sets.m

        def step(x: Tensor, y: Tensor, used: Tensor, *values: Tensor) -> list[Tensor]:
            of_loss, values = values[: -len(names)], values[-len(names) :]
            weights = dict(zip(names, values, strict=True))
            return sums(weights, x, y, used, self.private.max_grad_norm, 1 / expected, *of_loss)

        return step

    def _sums(self, module: nn.Module, population: Population) -> ClippedSums:
        x, y = (tensor[:1] for tensor in self.sets.flat())
        drawn = _drawn(self.noise, [0], 1, self.device)
        example = Batch(x, y, torch.tensor(0), None if drawn is None else drawn[0])
        return ClippedSums(module, population, example, stacked=self.stacked, loss=self.loss)

    def _separate(self, names: Sequence[str]) -> list[bool]:
        parts = [separate_results(found) for found in self.recorded.values()]
        return [any(of_name) for of_name in zip(*parts, strict=True)] or [False] * len(names)

    def _batch(
        self, models: range, rngs: Sequence[np.random.Generator], gather: Gather
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Records (models, batch, *shape), labels, and which of them are no padding (models, batch)."""
        m = self.sets.m
        chosen = [np.flatnonzero(rng.random(m) < self.private.sample_rate) for rng in rngs]
        longest = max(1, *(len(one) for one in chosen))
        longest = next((n for n in self.private.lengths(m) if n >= longest), longest)
        index = np.zeros((len(chosen), longest), np.int64)
        used = np.zeros((len(chosen), longest), bool)
        for row, one in enumerate(chosen):
            index[row, : len(one)] = one
            used[row, : len(one)] = True
        where = torch.from_numpy(index).to(self.device)
        rows = self.sets.rows(models).gather(1, where)
        x, y = self.sets.flat()
        return gather(x, rows), y[rows], torch.from_numpy(used).to(self.device)

    def _check(self, params: dict[str, Tensor], models: range) -> None:
        for stacked in params.values():
            good = stacked.isfinite().flatten(1).all(1)
            if not good.all():
                model = models[int(good.int().argmin())]
                raise Diverged(
                    f"model {model} diverged: its weights are not finite; lower lr"
                    f" (now {self.recipe.lr:g})"
                )


def _drawn(
    noise: Noise | None, seeds: Sequence[int], length: int, device: torch.device
) -> Tensor | None:
    """Some noise of the loss (models, length, k), to try it with; None if it uses none."""
    return None if noise is None else Draws(seeds).noise(noise, length).to(device)


class _Noise:
    """The Gaussian noise of each model's mean gradients, from its own stream.

    Drawn for all parameters of one model, then of the next, into the same memory: it is added while
    the cache still holds it.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        private: PrivateSteps,
        expected: float,
        shapes: Sequence[torch.Size],
        device: torch.device,
    ) -> None:
        self.rngs = [np.random.default_rng([seed, 3]) for seed in seeds]
        self.sd = private.noise_multiplier * private.max_grad_norm / expected
        self._own = [GaussianNoise(int(rng.integers(2**63)), device) for rng in self.rngs]
        sizes = [shape.numel() for shape in shapes]
        self._drawn = torch.empty(sum(sizes), device=device)
        parts = zip(torch.split(self._drawn, sizes), shapes, strict=True)
        self._parts = [part.view(shape) for part, shape in parts]

    def add_to(self, means: Sequence[Tensor | list[Tensor]]) -> None:
        """Add to the gradients of all parameters, of all models, in place."""
        for model, noise in enumerate(self._own):
            noise.fill(self._drawn, self.sd)
            torch._foreach_add_([mean[model] for mean in means], self._parts)
