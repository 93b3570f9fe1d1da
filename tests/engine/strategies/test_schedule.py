"""Which strategy is scheduled for which architecture, and how many models at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from privbench.engine import schedule_for
from privbench.engine.strategies.schedule import CACHE, largest_chunk

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("module", "device", "strategy", "reason"),
    [
        (nn.Linear(3, 2), "cpu", "batched", "all of them"),
        (nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), "cpu", "batched", "all of them"),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), "cpu", "sequential", "Conv2d"),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), "cuda", "batched", "all of them"),
        (nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), "cuda", "sequential", "BatchNorm1d"),
        (nn.Sequential(nn.Linear(3, 2), nn.Dropout2d()), "cuda", "sequential", "Dropout2d"),
        (nn.LSTM(3, 2), "cuda", "sequential", "LSTM"),
    ],
)
def test_strategy_follows_from_architecture_and_device(
    module: nn.Module, device: str, strategy: str, reason: str
) -> None:
    schedule = schedule_for(module, 8, device)
    assert schedule.strategy == strategy
    assert reason in schedule.reason
    assert schedule.chunk == (8 if strategy == "batched" else 1)


def test_one_model_is_not_stacked() -> None:
    assert schedule_for(nn.Linear(3, 2), 1).strategy == "sequential"


def test_chunks_are_even_and_bounded() -> None:
    module = nn.Linear(1023, 1024)  # 4 MiB of weights
    a_third_of_the_cache = CACHE // (3 * 4 * 2**20)
    size, why = largest_chunk(module, 10 * a_third_of_the_cache + 1, CPU)
    assert size <= a_third_of_the_cache
    assert "cache" in why
    assert largest_chunk(module, 9, torch.device("cuda"), memory=4 * 3 * 4 * 2**20)[0] == 3
    assert "memory" in largest_chunk(module, 9, torch.device("cuda"), memory=20 * 2**20)[1]
    assert largest_chunk(module, 9, CPU, memory=1)[0] == 1
    fewer, _ = largest_chunk(module, 9, CPU, activations=20 * 2**20, memory=100 * 2**20)
    assert fewer == 1
