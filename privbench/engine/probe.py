"""Decide how a job is trained: what is known of the architecture, and one step to try it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from privbench.engine.batched import Gradients
from privbench.engine.choice import Choice, choose, largest_chunk
from privbench.engine.job import Job
from privbench.engine.parallel import workers_for
from privbench.engine.population import Population, build_seeded
from privbench.engine.randomness import OwnDropout, seeded


def plan(job: Job, strategy: Literal["auto", "batched", "sequential"], memory: int) -> Choice:
    """Strategy, models at once and the reason for a job; ``memory`` in bytes."""
    if strategy == "sequential":
        return Choice("sequential", 1, "as asked")
    module = build_seeded(job.build, job.seeds[0]).train().to(job.device)
    if strategy == "auto":
        choice = choose(module, len(job.seeds), job.device)
        if choice.strategy == "sequential":
            return choice
    try:
        tried = try_out(job)
    except RuntimeError as error:
        if strategy == "batched":
            raise
        return Choice("sequential", 1, f"cannot be stacked: {str(error).partition(chr(10))[0]}")
    size, why = largest_chunk(
        module,
        len(job.seeds),
        job.device,
        copies=job.recipe.copies,
        activations=tried.activations,
        memory=memory,
        workers=1 if tried.draws else workers_for(job.device),
    )
    recorded = not tried.draws and not tried.dropout
    return Choice("batched", size, why, parallel=not tried.draws, recorded=recorded)


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
