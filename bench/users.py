"""What users write: plain PyTorch, and Opacus, one model after another, on torch's default threads."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from workloads import Workload

from privbench.engine import Batch

Batches = Callable[[Tensor, Tensor, int], Iterator[tuple[Tensor, Tensor]]]

WARM = 5
"""Steps that are not timed: Opacus's hooks are set up in the first."""


def data_loader(workload: Workload, models: int = 1, *, channels_last: bool = False) -> float:
    """Seconds a model of a DataLoader over a TensorDataset: the yardstick."""
    return _timed(workload, models, channels_last, _loaded)


def index_loop(workload: Workload, models: int = 1) -> float:
    """Seconds a model without a DataLoader: batches by a random index."""
    return _timed(workload, models, False, _indexed)


def opacus(workload: Workload, mode: Literal["hooks", "ghost"], steps: int) -> float:
    """Seconds a step of Opacus, with Poisson sampling, as its tutorials have it."""
    from opacus import PrivacyEngine

    x, y = workload.sets.of_model(0)
    module = workload.build()
    criterion: nn.Module = nn.CrossEntropyLoss()
    optimizer = _optimizer(workload, module)
    loader = DataLoader(TensorDataset(x, y), batch_size=workload.recipe.batch_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = PrivacyEngine().make_private(
            module=module,
            optimizer=optimizer,
            data_loader=loader,
            criterion=criterion,
            noise_multiplier=1.0,
            max_grad_norm=1.0,
            poisson_sampling=True,
            grad_sample_mode=mode,
        )
        if mode == "ghost":
            module, optimizer, criterion, loader = made
        else:
            module, optimizer, loader = made
        for number, (records, labels) in enumerate(_forever(loader)):
            if number == WARM:
                started = time.perf_counter()
            if number == WARM + steps:
                break
            optimizer.zero_grad()
            criterion(module(records), labels).backward()
            optimizer.step()
    return (time.perf_counter() - started) / steps


def _timed(workload: Workload, models: int, channels_last: bool, batches: Batches) -> float:
    started = time.perf_counter()
    for i in range(models):
        module = workload.build()
        x, y = workload.sets.of_model(i)
        if channels_last:
            module = module.to(memory_format=torch.channels_last)
            x = x.contiguous(memory_format=torch.channels_last)
        optimizer = _optimizer(workload, module)
        for _ in range(workload.recipe.epochs):
            for records, labels in batches(x, y, workload.recipe.batch_size):
                optimizer.zero_grad()
                random_inputs = (
                    torch.randn(len(records), workload.random_dim) if workload.random_dim else None
                )
                workload.loss(
                    module, Batch(records, labels, torch.tensor(0), random_inputs)
                ).mean().backward()
                optimizer.step()
    return (time.perf_counter() - started) / models


def _loaded(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    yield from DataLoader(TensorDataset(x, y), size, shuffle=True)


def _indexed(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for rows in torch.randperm(len(y)).split(size):
        yield x[rows], y[rows]


def _optimizer(workload: Workload, module: nn.Module) -> torch.optim.Optimizer:
    if workload.recipe.optimizer == "adam":
        return torch.optim.Adam(module.parameters(), lr=workload.recipe.lr)
    return torch.optim.SGD(
        module.parameters(), lr=workload.recipe.lr, momentum=workload.recipe.momentum
    )


def _forever(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
    while True:
        yield from loader
