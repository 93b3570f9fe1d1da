"""Which strategy is chosen, and why."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from privbench.engine import Recipe, schedule_for, train_population
from privbench.engine.strategies.schedule import CACHE, largest_chunk
from privbench.engine.core.job import TrainingJob
from privbench.engine.core.loss import Phase, cross_entropy
from privbench.engine.strategies.probe import probe_step, schedule_job

from .problems import job, FEATURES, RECIPES, SEEDS, assert_same, mlp, own_sets

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


def test_activations_are_measured() -> None:
    tried = probe_step(job(lambda: nn.Sequential(nn.Linear(FEATURES, 5000), nn.Tanh())))
    wide = tried.activations
    assert not tried.draws
    assert not tried.has_dropout
    # tanh saves its output, the log-softmax another: 8 records x 5,000 floats each
    assert 2 * 8 * 5000 * 4 <= wide < 3 * 8 * 5000 * 4


class Branching(nn.Module):
    """Cannot be stacked: what it does depends on the values."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out * 2 if out.sum() > 0 else out


def test_what_cannot_be_stacked_is_trained_alone() -> None:
    schedule = schedule_job(job(Branching), "auto", 2**30)
    assert schedule.strategy == "sequential"
    assert "cannot be stacked" in schedule.reason
    recipe = RECIPES["sgd"]
    chosen = train_population(Branching, own_sets(), recipe, SEEDS)
    alone = train_population(Branching, own_sets(), recipe, SEEDS, strategy="sequential")
    assert_same(chosen, alone, atol=0)
    with pytest.raises(RuntimeError, match="data-dependent"):
        train_population(Branching, own_sets(), recipe, SEEDS, strategy="batched")


def test_a_small_memory_makes_small_chunks() -> None:
    assert schedule_job(job(mlp()), "auto", 2**30).chunk == len(SEEDS)
    assert schedule_job(job(mlp()), "auto", 1).chunk == 1
    small = train_population(mlp(), own_sets(), RECIPES["adam"], SEEDS, memory=1)
    assert_same(small, train_population(mlp(), own_sets(), RECIPES["adam"], SEEDS))
