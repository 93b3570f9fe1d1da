"""Decide how a job is trained: what is known of the architecture, and one step to try it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from privbench.engine.batched import Gradients
from privbench.engine.choice import Choice, Strategy, choose, largest_chunk
from privbench.engine.job import Job
from privbench.engine.parallel import workers_for
from privbench.engine.population import Population, build_seeded
from privbench.engine.processes import can_fork
from privbench.engine.randomness import OwnDropout, seeded

WORTH = 10_000
"""Examples, over all models and epochs, from which worker processes are worth starting.

Two of them take 0.03 s to start and to end; so many examples take 0.06 s where models are small and
trained one after another, and longer where they are not.
"""
WORTH_STACKED = 40_000
"""The same of stacked models, which take 1.5 microseconds an example where they are small."""


def plan(job: Job, strategy: Literal["auto"] | Strategy, memory: int) -> Choice:
    """Strategy, models at once and the reason for a job; ``memory`` in bytes."""
    n_models, examples = len(job.seeds), job.sets.m * job.recipe.epochs
    if strategy in ("sequential", "processes"):
        return one_by_one("as asked", n_models, examples, job.device, strategy)
    module = build_seeded(job.build, job.seeds[0]).train().to(job.device)
    if strategy == "auto":
        choice = choose(module, n_models, job.device)
        if choice.strategy == "sequential":
            return one_by_one(choice.reason, n_models, examples, job.device)
    try:
        tried = try_out(job)
    except RuntimeError as error:
        if strategy == "batched":
            raise
        reason = f"cannot be stacked: {str(error).partition(chr(10))[0]}"
        return one_by_one(reason, n_models, examples, job.device)
    size, why = largest_chunk(
        module,
        n_models,
        job.device,
        copies=job.recipe.copies,
        activations=tried.activations,
        memory=memory,
        workers=1 if tried.draws else workers_for(job.device),
    )
    return Choice(
        "batched",
        size,
        why,
        parallel=not tried.draws,
        fork=can_fork(job.device) and n_models * examples >= WORTH_STACKED,
        recorded=not tried.draws and not tried.dropout,
    )


def one_by_one(
    reason: str,
    n_models: int,
    examples: int,
    device: torch.device,
    strategy: Literal["auto"] | Strategy = "auto",
) -> Choice:
    """One model after another, or as many at a time as there are cores; ``examples`` a model.

    Raises ValueError where processes are asked for and cannot be had.
    """
    if strategy == "processes" and not can_fork(device):
        raise ValueError(f"strategy: processes cannot be forked here to train on {device.type}")
    workers = min(n_models, workers_for(device))
    useful = workers > 1 and can_fork(device) and n_models * examples >= WORTH
    if strategy == "processes" or (strategy == "auto" and useful):
        return Choice("processes", 1, f"{reason}; {workers} models at a time", True, True)
    return Choice("sequential", 1, reason)


@dataclass(frozen=True)
class Tried:
    """What a stacked step shows."""

    activations: int
    """Bytes that one model's step saves for its backward pass."""
    draws: bool
    """Whether the module draws from torch's default generator."""
    dropout: bool


def try_out(job: Job) -> Tried:
    """Run one step of two models, without its update."""
    models = range(min(2, len(job.seeds)))
    modules = [build_seeded(job.build, job.seeds[i]).train().to(job.device) for i in models]
    population = Population.of(job.build, modules)
    weights = {**population.params, **population.buffers}
    saved: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    draws = job.draws(models)
    dropout = OwnDropout(draws)
    with (
        seeded(job.seeds[0], job.device),
        dropout,
        torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor),
    ):
        before = torch.random.get_rng_state()
        batch = next(job.batches(models, draws, 0))
        for phase in job.phases:
            Gradients(job, phase, modules[0])(weights, batch)
        drew = not torch.equal(before, torch.random.get_rng_state())
    for stacked in weights.values():
        saved.pop(stacked.untyped_storage().data_ptr(), None)
    return Tried(sum(saved.values()) // len(models), drew, dropout.met)
