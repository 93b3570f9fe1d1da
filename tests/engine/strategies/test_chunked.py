"""The skeleton of training, with trainers that train nothing."""

import pytest
import torch
from torch import nn

from privbench.engine import Population
from privbench.engine.processes.ticker import Ticker
from privbench.engine.strategies.chunked import OneByOne, check_seeds, train_in_chunks
from privbench.engine.strategies.schedule import Schedule

from ..problems import MODELS, mlp, own_sets

CPU = torch.device("cpu")


class Numbering:
    """Models whose only weight is their number; writes down what it is asked for."""

    def __init__(self):
        self.recorded, self.chunks = [], []

    def record(self, sizes):
        assert torch.get_num_threads() == 1
        self.recorded.append(set(sizes))

    def train(self, models):
        self.chunks.append(models)
        numbers = torch.tensor([[float(i)] for i in models])
        return Population(mlp(), {"w": numbers}, {"b": numbers * 10})


def train(schedule, n=MODELS, **options):
    trainer = Numbering()
    tick = Ticker(n, lambda done, total: None)
    found = train_in_chunks(trainer, mlp(), range(n), CPU, schedule, tick, **options)
    assert found.params["w"][:, 0].tolist() == list(range(n))
    assert found.buffers["b"][:, 0].tolist() == [10 * i for i in range(n)]
    return trainer


@pytest.mark.parametrize(
    ("schedule", "chunk", "sizes"),
    [
        (Schedule("batched", 5, ""), None, [5]),
        (Schedule("batched", 2, ""), None, [2, 2, 1]),
        (Schedule("batched", 5, ""), 3, [3, 2]),
        (Schedule("sequential", 1, ""), None, [1] * 5),
        (Schedule("sequential", 1, ""), 3, [1] * 5),
    ],
)
def test_chunks_are_joined_in_order(schedule, chunk, sizes):
    assert [len(models) for models in train(schedule, chunk=chunk).chunks] == sizes


def test_steps_are_recorded_once_for_all_sizes_before_training():
    assert train(Schedule("batched", 2, "", recorded=True)).recorded == [{1, 2}]
    assert train(Schedule("batched", 2, "")).recorded == []


def test_chunks_side_by_side_are_as_many_for_each_worker(two_threads):
    trainer = train(Schedule("batched", 6, "", parallel=True), n=6)
    assert len(trainer.chunks) in (1, 2)  # on one core there is one worker
    assert len({len(models) for models in trainer.chunks}) == 1


def test_the_default_generator_is_seeded_and_restored():
    class Drawing(Numbering):
        def train(self, models):
            self.chunks.append(torch.rand(1).item())
            return super().train(models)

    before, drawn = torch.get_rng_state(), []
    for _ in range(2):
        trainer = Drawing()
        tick = Ticker(1, lambda done, total: None)
        train_in_chunks(trainer, mlp(), [7], CPU, Schedule("batched", 1, ""), tick)
        drawn.append(trainer.chunks[0])
    assert drawn[0] == drawn[1]
    assert torch.equal(before, torch.get_rng_state())


def test_one_by_one_stacks_the_modules():
    def numbered(i):
        module = nn.Linear(1, 1)
        nn.init.constant_(module.weight, i)
        return module, {}

    found = OneByOne(lambda: nn.Linear(1, 1), numbered).train(range(2, 5))
    assert found.params["weight"].flatten().tolist() == [2, 3, 4]


def test_a_seed_for_each_training_set():
    check_seeds(own_sets(), range(MODELS))
    with pytest.raises(ValueError, match="2 seeds for the training sets of 5 models"):
        check_seeds(own_sets(), [1, 2])
