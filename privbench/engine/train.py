"""Train a population: at once, one after another, or by a loop of the caller's."""

from __future__ import annotations

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
from privbench.engine.parallel import Ticker, spread, train_chunks, workers_for
from privbench.engine.population import Build, Population
from privbench.engine.precision import computing
from privbench.engine.probe import plan
from privbench.engine.randomness import seeded
from privbench.engine.recipe import Recipe
from privbench.engine.recorded import record
from privbench.engine.sequential import train_alone
from privbench.engine.sets import TrainingSets
from privbench.engine.threads import threads_for

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
    device: torch.device | str = "cpu",
    strategy: Literal["auto", "batched", "sequential"] = "auto",
    chunk: int | None = None,
    memory: int | None = None,
    progress: Progress = no_progress,
) -> Population:
    """Train one model per seed and training set; model ``i`` depends on ``seeds[i]`` and its set only.

    ``build`` returns a freshly initialised module and draws from torch's default generator, which is
    seeded for it and put back. ``loss`` is written for one model, see ``Loss``; several phases make a
    step of several updates. ``noise`` draws random numbers for the loss, ``augment`` alters each batch
    of images. ``strategy`` "auto" decides by architecture and device
    (``choose`` says how). ``chunk`` models are trained at once; by default as many as are fastest
    within ``memory`` bytes, by default 1 GiB on a CPU and three quarters of what is free on a GPU.
    ``progress`` counts epochs of models.

    Raises ValueError on arguments that do not fit together, Diverged (naming the model and the epoch)
    where weights become infinite or NaN.
    """
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk: {chunk} is out of bounds")
    device = torch.device(device)
    check_seeds(sets, seeds)
    tick = Ticker(len(seeds) * recipe.epochs, progress)
    phases = (Phase(loss),) if callable(loss) else tuple(loss)
    job = Job(build, sets.to(device), recipe, seeds, phases, noise, augment, device, tick)
    with computing(recipe.precision, device):
        return _train(job, plan(job, strategy, memory or memory_of(device)), chunk, tick)


def _train(job: Job, choice: Choice, chunk: int | None, tick: Ticker) -> Population:
    seeds, device = job.seeds, job.device
    if choice.strategy == "sequential":
        return Population.of(job.build, [train_alone(job, i) for i in range(len(seeds))])
    workers = workers_for(device) if choice.parallel else 1
    size = chunk or spread(len(seeds), choice.chunk, workers)
    sizes = {min(size, len(seeds)), len(seeds) % size or size}
    steps = record(job, sizes) if choice.recorded else None
    with seeded(seeds[0], device):
        parts = train_chunks(
            len(seeds), size, workers, lambda models: train_at_once(job, models, steps), tick
        )
    return concatenate(parts)


def train_each(
    build: Build,
    sets: TrainingSets,
    seeds: Sequence[int],
    train_one: TrainOne,
    *,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> Population:
    """Call ``train_one(module, x, y, rng)`` for one model after another, for plain PyTorch loops.

    It trains ``module`` in place on records (m, *shape) with labels (m,), both on ``device``; ``rng``
    and torch's default generator are seeded for each model. ``progress`` counts models. Raises
    ValueError on arguments that do not fit together, Diverged where weights are not finite.
    """
    device = torch.device(device)
    check_seeds(sets, seeds)
    modules = []
    for i, seed in enumerate(seeds):
        with seeded(seed, device):
            module = build().train().to(device)
            x, y = sets.one(i)
            with threads_for(module, device):
                train_one(module, x.to(device), y.to(device), np.random.default_rng([seed, 3]))
        if not all(p.isfinite().all() for p in module.parameters()):
            raise Diverged(f"model {i} diverged: its weights are not finite; lower lr")
        modules.append(module)
        progress(i + 1, len(seeds))
    return Population.of(build, modules)


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
