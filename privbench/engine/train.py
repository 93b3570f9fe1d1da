"""Train a population: without DP-SGD, with DP-SGD, or by a training loop of the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from privbench.engine.core.augment import Augmentation
from privbench.engine.core.divergence import check_finite
from privbench.engine.core.job import TrainingJob
from privbench.engine.core.loss import (
    Loss,
    Phase,
    Progress,
    RandomInputs,
    cross_entropy,
    no_progress,
)
from privbench.engine.core.population import Build, Population, build_seeded
from privbench.engine.core.precision import computing
from privbench.engine.core.randomness import seeded
from privbench.engine.core.recipe import Recipe
from privbench.engine.core.sets import TrainingSets
from privbench.engine.core.stopping import Validation
from privbench.engine.private.steps import PrivateSteps
from privbench.engine.private.support import can_train_privately, is_stacked
from privbench.engine.private.trainer import PrivateTrainer
from privbench.engine.processes.threads import threads_for
from privbench.engine.processes.ticker import Ticker
from privbench.engine.strategies.batched import BatchedTrainer
from privbench.engine.strategies.chunked import (
    ChunkTrainer,
    OneByOne,
    check_seeds,
    train_in_chunks,
)
from privbench.engine.strategies.probe import schedule_job, schedule_one_by_one
from privbench.engine.strategies.schedule import default_memory
from privbench.engine.strategies.sequential import train_alone

PASSES = 10
"""Passes over its records that a training loop of the caller is assumed to make, at least."""

TrainOne = Callable[[nn.Module, Tensor, Tensor, np.random.Generator], Mapping[str, float] | None]


def train_population(
    build: Build,
    sets: TrainingSets,
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    loss: Loss | Sequence[Phase] = cross_entropy,
    random_inputs: RandomInputs | None = None,
    augment: Augmentation | None = None,
    validation: Validation | None = None,
    start: Population | None = None,
    device: torch.device | str = "cpu",
    strategy: Literal["auto", "batched", "sequential", "processes"] = "auto",
    chunk: int | None = None,
    memory: int | None = None,
    progress: Progress = no_progress,
) -> Population:
    """Train one model per seed and training set.

    Model ``i`` depends on ``seeds[i]`` and its own training set only.

    Args:
        build: Returns a freshly initialised module. It draws from torch's default generator, which is
            seeded for each model and restored afterwards.
        sets: The training set of each model.
        recipe: Optimizer, epochs and batch size.
        seeds: One seed per model.
        loss: The loss of one model, see ``Loss``; or several phases, for steps of several updates.
        random_inputs: Draws random numbers for the loss.
        augment: Alters each batch of images.
        validation: Records for early stopping: each model keeps the weights of its best epoch.
        start: The models before training, one per seed; by default freshly initialised ones.
        device: Where to train.
        strategy: How to train; "auto" decides by architecture and device (see ``schedule_for``; the
            logger ``privbench.engine.strategies.chunked`` reports the schedule).
        chunk: How many models are trained at once, if they are stacked; by default as many as are
            fastest within ``memory``.
        memory: Bytes that training may use, beside the data; by default 1 GiB on a CPU, and half
            of what a GPU has.
        progress: Is called with the number of epochs done and their total, over all models.

    Raises:
        ValueError: If arguments do not fit together, or the loss breaks its contract.
        Diverged: If weights become infinite or NaN; names the model and the epoch.
    """
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk: {chunk} is out of bounds (allowed: 1 and more)")
    device = torch.device(device)
    check_seeds(sets, seeds)
    tick = Ticker(len(seeds) * recipe.epochs, progress)
    phases = (Phase(loss),) if callable(loss) else tuple(loss)
    job = TrainingJob(
        *(build, sets.to(device), recipe, seeds, phases, random_inputs, augment, device, tick),
        validation,
        None if start is None else start.to(device),
    )
    with computing(recipe.precision, device):
        schedule = schedule_job(job, strategy, memory or default_memory(device))
        trainer: ChunkTrainer = OneByOne(build, lambda i: (train_alone(job, i), {}))
        if schedule.strategy == "batched":
            trainer = BatchedTrainer(job)
        return train_in_chunks(trainer, build, seeds, device, schedule, tick, chunk=chunk)


def train_privately(
    build: Build,
    sets: TrainingSets,
    recipe: Recipe,
    private: PrivateSteps,
    seeds: Sequence[int],
    *,
    loss: Loss = cross_entropy,
    random_inputs: RandomInputs | None = None,
    augment: Augmentation | None = None,
    copies: int = 1,
    start: Population | None = None,
    device: torch.device | str = "cpu",
    chunk: int | None = None,
    memory: int | None = None,
    progress: Progress = no_progress,
) -> Population:
    """Train one model per seed and training set with DP-SGD.

    Batches and gradient noise of model ``i`` are determined by ``seeds[i]``. They are those of a loop
    given to ``train_each`` that seeds its noise by ``rng.integers(2**63)``, and then draws one uniform
    number per record and step, and three per augmented copy of each record of the batch.

    Args:
        build: Returns a freshly initialised module, as for ``train_population``.
        sets: The training set of each model.
        recipe: The optimizer; its epochs and batch size are not used.
        private: Sampling rate, number of steps, noise and clipping.
        seeds: One seed per model.
        loss: The loss of one model, in which no example depends on another.
        random_inputs: Draws random numbers for the loss.
        augment: Alters each batch of images.
        copies: With ``augment``, how many altered copies of each example there are. Gradients are
            averaged over them before they are clipped (De et al. 2022, arXiv 2204.13650).
        start: The models before training, one per seed; by default freshly initialised ones.
        device: Where to train.
        chunk: How many models are trained at once, if they are stacked.
        memory: Bytes that training may use, beside the data, as for ``train_population``.
        progress: Is called with the number of steps done and their total, over all models.

    Raises:
        ValueError: If ``can_train_privately`` refuses the module, or arguments do not fit together.
        Diverged: If weights become infinite or NaN; names the model.

    Source: Abadi et al. 2016, arXiv 1607.00133, algorithm 1.
    """
    device = torch.device(device)
    check_seeds(sets, seeds)
    problem = can_train_privately(build, sets, device, loss=loss, random_inputs=random_inputs)
    if problem:
        raise ValueError(f"DP-SGD cannot train this module: {problem}")
    tick = Ticker(len(seeds) * private.steps, progress)
    phases = (Phase(loss),)
    job = TrainingJob(
        *(build, sets.to(device), recipe, seeds, phases, random_inputs, augment, device, tick),
        start=None if start is None else start.to(device),
    )
    trainer = PrivateTrainer(
        job,
        private,
        is_stacked(build_seeded(build, seeds[0]), device),
        copies=None if augment is None else copies,
    )
    schedule = trainer.schedule(memory or default_memory(device))
    return train_in_chunks(trainer, build, seeds, device, schedule, tick, chunk=chunk)


def train_each(
    build: Build,
    sets: TrainingSets,
    seeds: Sequence[int],
    train_one: TrainOne,
    *,
    start: Population | None = None,
    device: torch.device | str = "cpu",
    strategy: Literal["auto", "sequential", "processes"] = "auto",
    progress: Progress = no_progress,
) -> Population:
    """Train one model after another by ``train_one(module, x, y, rng)``, a loop in plain PyTorch.

    Args:
        build: Returns a freshly initialised module, as for ``train_population``.
        sets: The training set of each model.
        seeds: One seed per model.
        train_one: Trains ``module`` in place on records ``x`` (m, *shape) with labels ``y`` (m,), which
            are on ``device``; ``rng`` and torch's default generator are seeded for each model. What it
            returns become the facts of the population.
        start: The models before training, one per seed; by default freshly initialised ones.
        device: Where to train.
        strategy: With "processes", ``train_one`` is called in worker processes, so that its changes to
            other objects are lost. "auto" does so if there is enough to train.
        progress: Is called with the number of models done and their total.

    Raises:
        ValueError: If arguments do not fit together, or models have facts of different names.
        Diverged: If weights are not finite; names the model.
    """
    device = torch.device(device)
    check_seeds(sets, seeds)
    tick = Ticker(len(seeds), progress)

    def train(i: int) -> tuple[nn.Module, Mapping[str, float]]:
        with seeded(seeds[i], device):
            module = (build() if start is None else start.module(i)).train().to(device)
            x, y = sets.of_model(i)
            with threads_for(module, device):
                rng = np.random.default_rng([seeds[i], 3])
                facts = train_one(module, x.to(device), y.to(device), rng)
        check_finite((p[None] for p in module.parameters()), range(i, i + 1))
        tick(1)
        return module, facts or {}

    n_models, examples = len(seeds), sets.m * PASSES
    why = "trained by the caller's loop"
    schedule = schedule_one_by_one(why, n_models, examples, device, strategy)
    return train_in_chunks(OneByOne(build, train), build, seeds, device, schedule, tick)
