"""Train a population: at once, one after another, or by a loop of the caller's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from privbench.engine.augment import Augmentation
from privbench.engine.batched import train_at_once
from privbench.engine.choice import Choice, memory_of
from privbench.engine.errors import Diverged
from privbench.engine.job import Job
from privbench.engine.loss import Loss, Noise, Phase, Progress, cross_entropy, no_progress
from privbench.engine.parallel import Ticker, cut, one_thread, spread, train_chunks, workers_for
from privbench.engine.population import Build, Population
from privbench.engine.precision import computing
from privbench.engine.probe import one_by_one, plan
from privbench.engine.randomness import seeded
from privbench.engine.recipe import Recipe
from privbench.engine.recorded import record
from privbench.engine.sequential import train_alone
from privbench.engine.sets import TrainingSets
from privbench.engine.stopping import Validation
from privbench.engine.threads import threads_for

log = logging.getLogger(__name__)

PASSES = 10
"""Over its records that a loop of the caller's is taken to make, at least."""

TrainOne = Callable[[nn.Module, Tensor, Tensor, np.random.Generator], None]


def train_population(
    build: Build,
    sets: TrainingSets,
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    loss: Loss | Sequence[Phase] = cross_entropy,
    noise: Noise | None = None,
    augment: Augmentation | None = None,
    validation: Validation | None = None,
    device: torch.device | str = "cpu",
    strategy: Literal["auto", "batched", "sequential", "processes"] = "auto",
    chunk: int | None = None,
    memory: int | None = None,
    progress: Progress = no_progress,
) -> Population:
    """Train one model per seed and training set; model ``i`` depends on ``seeds[i]`` and its set only.

    ``build`` returns a freshly initialised module and draws from torch's default generator, which
    is seeded for it and put back. ``loss`` is written for one model, see ``Loss``; several phases
    make a step of several updates. ``noise`` draws random numbers for the loss, ``augment`` alters
    each batch of images. With ``validation`` each model stops early and keeps its best epoch.
    ``strategy`` "auto" decides by architecture and device (``choose`` says how, and the logger
    ``privbench.engine.train`` what). ``chunk`` models are trained at once; by default as many as
    are fastest within ``memory`` bytes, by default 1 GiB on a CPU and three quarters of what is
    free on a GPU. ``progress`` counts epochs of models.

    Raises ValueError on arguments that do not fit together, Diverged (naming the model and the epoch)
    where weights become infinite or NaN.
    """
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk: {chunk} is out of bounds")
    device = torch.device(device)
    check_seeds(sets, seeds)
    tick = Ticker(len(seeds) * recipe.epochs, progress)
    phases = (Phase(loss),) if callable(loss) else tuple(loss)
    job = Job(
        build, sets.to(device), recipe, seeds, phases, noise, augment, device, tick, validation
    )
    with computing(recipe.precision, device):
        choice = plan(job, strategy, memory or memory_of(device))
        return _train(job, choice, chunk, tick)


def _train(job: Job, choice: Choice, chunk: int | None, tick: Ticker) -> Population:
    n_models, device = len(job.seeds), job.device
    log.debug("%d models, %s", n_models, choice)
    if choice.strategy != "batched":
        return _one_by_one(job.build, n_models, lambda i: train_alone(job, i), choice, device, tick)
    workers = workers_for(device) if choice.parallel else 1
    chunks = cut(n_models, chunk) if chunk else spread(n_models, choice.chunk, workers)
    log.debug("in chunks of %d, %d side by side", len(chunks[0]), min(workers, len(chunks)))
    with one_thread():  # two would wait for each other, see ``parallel``
        steps = record(job, {len(one) for one in chunks}) if choice.recorded else None
    with seeded(job.seeds[0], device):
        parts = train_chunks(
            job.build, chunks, workers, lambda models: train_at_once(job, models, steps),
            tick, fork=choice.fork,
        )  # fmt: skip
    return concatenate(parts)


def train_each(
    build: Build,
    sets: TrainingSets,
    seeds: Sequence[int],
    train_one: TrainOne,
    *,
    device: torch.device | str = "cpu",
    strategy: Literal["auto", "sequential", "processes"] = "auto",
    progress: Progress = no_progress,
) -> Population:
    """Call ``train_one(module, x, y, rng)`` for one model after another, for plain PyTorch loops.

    It trains ``module`` in place on records (m, *shape) with labels (m,), both on ``device``; ``rng``
    and torch's default generator are seeded for each model. With ``strategy`` "processes" it is called
    in worker processes, so that what it leaves elsewhere is lost; "auto" does so where there is enough
    to train. ``progress`` counts models. Raises ValueError on arguments that do not fit together,
    Diverged where weights are not finite.
    """
    device = torch.device(device)
    check_seeds(sets, seeds)
    tick = Ticker(len(seeds), progress)

    def train(i: int) -> nn.Module:
        with seeded(seeds[i], device):
            module = build().train().to(device)
            x, y = sets.one(i)
            with threads_for(module, device):
                train_one(module, x.to(device), y.to(device), np.random.default_rng([seeds[i], 3]))
        if not all(p.isfinite().all() for p in module.parameters()):
            raise Diverged(f"model {i} diverged: its weights are not finite; lower lr")
        tick(1)
        return module

    choice = one_by_one("a loop of its own", len(seeds), sets.m * PASSES, device, strategy)
    log.debug("%d models, %s", len(seeds), choice)
    return _one_by_one(build, len(seeds), train, choice, device, tick)


def _one_by_one(
    build: Build,
    n_models: int,
    train: Callable[[int], nn.Module],
    choice: Choice,
    device: torch.device,
    tick: Ticker,
) -> Population:
    def some(models: range) -> Population:
        return Population.of(build, [train(i) for i in models])

    if choice.strategy == "sequential":
        return some(range(n_models))
    workers = workers_for(device)
    return concatenate(train_chunks(build, cut(n_models, 1), workers, some, tick, fork=choice.fork))


def concatenate(parts: Sequence[Population]) -> Population:
    """One population of the models of several, in order."""
    if len(parts) == 1:
        return parts[0]
    params = {n: torch.cat([part.params[n] for part in parts]) for n in parts[0].params}
    buffers = {n: torch.cat([part.buffers[n] for part in parts]) for n in parts[0].buffers}
    return Population(parts[0].build, params, buffers)


def check_seeds(sets: TrainingSets, seeds: Sequence[int]) -> None:
    """Raise ValueError unless there is a seed for each training set."""
    if len(seeds) != sets.n_models:
        raise ValueError(f"{len(seeds)} seeds for the training sets of {sets.n_models} models")
