"""What one step shows, and what is scheduled from it."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from privbench.engine import train_population
from privbench.engine.processes.threads import one_torch_thread
from privbench.engine.processes.workers import can_fork
from privbench.engine.strategies.probe import (
    MIN_EXAMPLES,
    probe_step,
    schedule_job,
    schedule_one_by_one,
)

from ..problems import (
    FEATURES,
    RECIPES,
    SEEDS,
    Drawing,
    assert_same,
    job,
    mlp,
    own_sets,
)

CPU = torch.device("cpu")
needs_fork = pytest.mark.skipif(not can_fork(CPU), reason="processes cannot be forked here")


pytestmark = pytest.mark.usefixtures("two_threads")


def test_modules_that_draw_for_themselves_are_not_trained_side_by_side():
    assert schedule_job(job(mlp()), "auto", 2**30).parallel
    assert schedule_job(job(mlp(0.5)), "auto", 2**30).parallel  # the engine draws dropout's masks
    assert not schedule_job(job(Drawing), "auto", 2**30).parallel


@needs_fork
def test_processes_are_chosen_where_there_is_enough_to_train():
    assert schedule_one_by_one("why", 5, MIN_EXAMPLES, CPU).strategy == "processes"
    assert (
        str(schedule_one_by_one("why", 5, MIN_EXAMPLES, CPU))
        == "processes: why; 2 models at a time"
    )
    assert schedule_one_by_one("why", 5, MIN_EXAMPLES // 5 - 1, CPU).strategy == "sequential"
    assert schedule_one_by_one("why", 1, MIN_EXAMPLES, CPU).strategy == "sequential"
    assert schedule_one_by_one("why", 5, MIN_EXAMPLES, CPU, "sequential").strategy == "sequential"
    with one_torch_thread():
        assert schedule_one_by_one("why", 5, MIN_EXAMPLES, CPU).strategy == "sequential"


def test_processes_where_there_are_none(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert schedule_one_by_one("why", 5, MIN_EXAMPLES, CPU).strategy == "sequential"
    with pytest.raises(ValueError, match="strategy: processes cannot be forked here"):
        schedule_one_by_one("why", 5, MIN_EXAMPLES, CPU, "processes")


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
