"""Decide whether the engine can train a module with DP-SGD."""

from __future__ import annotations

import torch
from torch import nn

from privbench.engine.core.loss import Batch, Loss, RandomInputs, cross_entropy
from privbench.engine.core.population import Build, Population, build_all
from privbench.engine.core.randomness import Draws, seeded
from privbench.engine.core.sets import TrainingSets
from privbench.engine.private.clipping import ClippedSums
from privbench.engine.strategies.schedule import schedule_for


def is_stacked(module: nn.Module, device: torch.device) -> bool:
    """Return whether DP-SGD trains several models like ``module`` as one computation."""
    return schedule_for(module, 2, device).strategy == "batched"


def can_train_privately(
    build: Build,
    sets: TrainingSets,
    device: torch.device | str,
    *,
    loss: Loss = cross_entropy,
    random_inputs: RandomInputs | None = None,
) -> str:
    """Try one step of DP-SGD, of two models on two records.

    Returns:
        Why populations of such modules cannot be trained here; empty if they can.

    Raises:
        ValueError: If the loss breaks its contract.
    """
    device = torch.device(device)
    modules = build_all(build, [0, 1], device)
    for part in modules[0].modules():
        if isinstance(part, (nn.modules.batchnorm._BatchNorm, nn.RNNBase)):
            return f"{type(part).__name__} keeps state or mixes the examples of a batch"
        if isinstance(part, nn.modules.dropout._DropoutNd) and part.p:
            return f"{type(part).__name__} draws masks, also for padding"
    if not any(p.requires_grad for p in modules[0].parameters()):
        return "the module has no parameters to train"
    batch = {}
    for name, tensor in zip("xy", sets.flat(), strict=True):
        batch[name] = tensor[:1].to(device).expand(2, 2, *tensor.shape[1:]).clone()
    batch["is_example"] = torch.ones_like(batch["y"]) > 0
    if random_inputs is not None:
        batch["random_inputs"] = Draws([0, 1]).random_inputs(random_inputs, 2).to(device)
    example = {name: tensor[0, :1] for name, tensor in batch.items() if name != "is_example"}
    try:
        with seeded(0, device):
            before = torch.random.get_rng_state()
            population = Population.of(build, modules)
            stacked = is_stacked(modules[0], device)
            first = Batch(epoch=torch.tensor(0), **example)
            sums = ClippedSums(modules[0], population, first, stacked=stacked, loss=loss)
            sums(population.stacked_weights(), batch, 1.0)
            if not torch.equal(before, torch.random.get_rng_state()):
                return "it draws random numbers, also for padding"
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return ""
