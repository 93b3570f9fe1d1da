"""Schedule a training job by its architecture and by a trial step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from privbench.engine.core.job import TrainingJob
from privbench.engine.core.loss import tensors_of
from privbench.engine.core.population import Population, build_seeded
from privbench.engine.core.randomness import ModelDropout, seeded
from privbench.engine.processes.chunks import side_by_side
from privbench.engine.processes.threads import workers_for
from privbench.engine.processes.workers import can_fork
from privbench.engine.strategies.batched import PhaseGradients
from privbench.engine.strategies.schedule import Schedule, Strategy, largest_chunk, schedule_for

MIN_EXAMPLES = 10_000
"""Examples, over all models and epochs, from which worker processes are worth starting.

Two workers take 0.03 s to start and to end. This many examples take 0.06 s if models are small and are
trained one after another, and longer otherwise.
"""
MIN_STACKED_EXAMPLES = 40_000
"""The same for stacked models, which take 1.5 microseconds per example if they are small."""


def schedule_job(job: TrainingJob, strategy: Literal["auto"] | Strategy, memory: int) -> Schedule:
    """Return the schedule of a job.

    Args:
        job: What is trained.
        strategy: The strategy to use; "auto" decides by architecture and device, and trains one by one
            what cannot be stacked.
        memory: Bytes that training may use.

    Raises:
        RuntimeError: If ``strategy`` is "batched" and the module cannot be stacked.
        ValueError: If worker processes are requested and unavailable, or the loss breaks its contract.
    """
    n_models, examples = len(job.seeds), job.sets.m * job.recipe.epochs
    if strategy in ("sequential", "processes"):
        return schedule_one_by_one("as requested", n_models, examples, job.device, strategy)
    module = build_seeded(job.build, job.seeds[0]).train().to(job.device)
    if strategy == "auto":
        schedule = schedule_for(module, n_models, job.device)
        if schedule.strategy == "sequential":
            return schedule_one_by_one(schedule.reason, n_models, examples, job.device)
    try:
        probe = probe_step(job)
    except RuntimeError as error:
        if strategy == "batched":
            raise
        reason = f"cannot be stacked: {str(error).partition(chr(10))[0]}"
        return schedule_one_by_one(reason, n_models, examples, job.device)
    size, why = largest_chunk(
        module,
        n_models,
        job.device,
        copies=job.recipe.copies,
        activations=probe.activations,
        memory=memory,
        workers=1 if probe.draws else side_by_side(n_models),
    )
    return Schedule(
        "batched",
        size,
        why,
        parallel=not probe.draws,
        fork=can_fork(job.device) and n_models * examples >= MIN_STACKED_EXAMPLES,
        recorded=not probe.draws and not probe.has_dropout,
    )


def schedule_one_by_one(
    reason: str,
    n_models: int,
    examples: int,
    device: torch.device,
    strategy: Literal["auto"] | Strategy = "auto",
) -> Schedule:
    """Return a schedule of one model after another, or of as many at a time as there are cores.

    ``examples`` is the number of examples per model, over all epochs. Raises ValueError if worker
    processes are requested and unavailable.
    """
    if strategy == "processes" and not can_fork(device):
        raise ValueError(f"strategy: processes cannot be forked here to train on {device.type}")
    workers = min(n_models, workers_for(device))
    useful = workers > 1 and can_fork(device) and n_models * examples >= MIN_EXAMPLES
    if strategy == "processes" or (strategy == "auto" and useful):
        reason = f"{reason}; {workers} models at a time"
        return Schedule("processes", 1, reason, parallel=True, fork=True)
    return Schedule("sequential", 1, reason)


@dataclass(frozen=True)
class StepProbe:
    """What was measured in one stacked step."""

    activations: int
    """Bytes that one model's step saves for its backward pass."""
    draws: bool
    """Whether the module draws from torch's default generator."""
    has_dropout: bool


def probe_step(job: TrainingJob) -> StepProbe:
    """Run one step of two models, without its update."""
    models = range(min(2, len(job.seeds)))
    modules = [build_seeded(job.build, job.seeds[i]).train().to(job.device) for i in models]
    weights = Population.of(job.build, modules).stacked_weights()
    saved: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    draws = job.draws(models)
    dropout = ModelDropout(draws)
    with (
        seeded(job.seeds[0], job.device),
        dropout,
        torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor),
    ):
        before = torch.random.get_rng_state()
        batch = tensors_of(next(job.batches(models, draws, 0)))
        for phase in job.phases:
            PhaseGradients(job, phase, modules[0])(weights, batch)
        drew = not torch.equal(before, torch.random.get_rng_state())
    for stacked in weights.values():
        saved.pop(stacked.untyped_storage().data_ptr(), None)
    return StepProbe(sum(saved.values()) // len(models), drew, dropout.was_used)
