"""What users write: plain PyTorch, and Opacus, one model after another, on torch's default threads."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from jobs import Job
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from privbench.engine import Batch

Batches = Callable[[Tensor, Tensor, int], Iterator[tuple[Tensor, Tensor]]]

WARM = 5
"""Steps that are not timed: Opacus's hooks are set up in the first."""


def data_loader(job: Job, models: int = 1, *, channels_last: bool = False) -> float:
    """Seconds a model of a DataLoader over a TensorDataset: the yardstick."""
    return _timed(job, models, channels_last, _loaded)


def index_loop(job: Job, models: int = 1) -> float:
    """Seconds a model without a DataLoader: batches by a random index."""
    return _timed(job, models, False, _indexed)


def opacus(job: Job, mode: Literal["hooks", "ghost"], steps: int) -> float:
    """Seconds a step of Opacus, with Poisson sampling, as its tutorials have it."""
    from opacus import PrivacyEngine

    x, y = job.sets.one(0)
    module = job.build()
    criterion: nn.Module = nn.CrossEntropyLoss()
    optimizer = _optimizer(job, module)
    loader = DataLoader(TensorDataset(x, y), batch_size=job.recipe.batch_size)
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


def _timed(job: Job, models: int, channels_last: bool, batches: Batches) -> float:
    started = time.perf_counter()
    for i in range(models):
        module = job.build()
        x, y = job.sets.one(i)
        if channels_last:
            module = module.to(memory_format=torch.channels_last)
            x = x.contiguous(memory_format=torch.channels_last)
        optimizer = _optimizer(job, module)
        for _ in range(job.recipe.epochs):
            for records, labels in batches(x, y, job.recipe.batch_size):
                optimizer.zero_grad()
                noise = torch.randn(len(records), job.noise_dim) if job.noise_dim else None
                job.loss(module, Batch(records, labels, torch.tensor(0), noise)).mean().backward()
                optimizer.step()
    return (time.perf_counter() - started) / models


def _loaded(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    yield from DataLoader(TensorDataset(x, y), size, shuffle=True)


def _indexed(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for rows in torch.randperm(len(y)).split(size):
        yield x[rows], y[rows]


def _optimizer(job: Job, module: nn.Module) -> torch.optim.Optimizer:
    if job.recipe.optimizer == "adam":
        return torch.optim.Adam(module.parameters(), lr=job.recipe.lr)
    return torch.optim.SGD(module.parameters(), lr=job.recipe.lr, momentum=job.recipe.momentum)


def _forever(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
    while True:
        yield from loader
