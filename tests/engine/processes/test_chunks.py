"""Chunks side by side: the same models, in order, and the threads restored."""

import threading
import time

import pytest
import torch

from privbench.engine import Diverged, Recipe, train_population
from privbench.engine.processes.chunks import cut, spread, train_chunks
from privbench.engine.processes.ticker import Stopped, Ticker

from ..problems import RECIPES, SEEDS, assert_same, mlp, shared_sets


def train(**options):
    return train_population(mlp(), shared_sets(), RECIPES["momentum"], SEEDS, **options)


def test_two_at_a_time_give_the_models_of_one(two_threads):
    side_by_side = train(chunk=1)
    torch.set_num_threads(1)
    one_by_one = train(strategy="sequential")
    torch.set_num_threads(2)
    assert_same(side_by_side, one_by_one)


def test_threads_are_used_and_each_has_one_of_torchs(two_threads):
    seen = {}

    def one(models):
        seen[models.start] = (threading.get_ident(), torch.get_num_threads())
        barrier.wait(timeout=10)  # both are there at the same time
        return models

    barrier = threading.Barrier(2)
    assert train_chunks(mlp(), cut(4, 2), 2, one, Ticker(4, print), fork=False) == [
        range(0, 2),
        range(2, 4),
    ]
    assert len({thread for thread, _ in seen.values()}) == 2
    assert {threads for _, threads in seen.values()} == {1}


def test_an_error_is_raised_and_the_threads_put_back(two_threads):
    with pytest.raises(Diverged, match="diverged in epoch 1"):
        train_population(mlp(), shared_sets(), Recipe("sgd", 1e38, 0.9, 0.0, 3, 8), SEEDS, chunk=1)


def test_the_default_generator_is_left_alone(two_threads):
    before = torch.random.get_rng_state()
    train(chunk=1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_error_ends_the_other_chunks_at_their_next_tick(two_threads):
    tick = Ticker(10**6, lambda done, total: None)
    ended = []

    def one(models):
        if models.start == 0:
            raise KeyError("first")
        for _ in range(10**6):
            try:
                tick(1)
            except Stopped:
                ended.append(models)
                raise
            time.sleep(0.001)
        return models

    with pytest.raises(KeyError, match="first"):
        train_chunks(mlp(), cut(2, 1), 2, one, tick, fork=False)
    assert ended == [range(1, 2)]


@pytest.mark.parametrize(
    ("n", "largest", "workers", "sizes"),
    [
        (16, 16, 2, [8, 8]),
        (16, 16, 1, [16]),
        (16, 5, 2, [4] * 4),
        (1, 8, 2, [1]),
        (3, 8, 4, [1] * 3),
        (64, 24, 2, [16] * 4),
        (32, 3, 2, [3, 3, 2] * 4),
        (17, 8, 2, [5, 4, 4, 4]),
    ],
)
def test_chunks_are_spread_over_workers(n, largest, workers, sizes):
    chunks = spread(n, largest, workers)
    assert [len(chunk) for chunk in chunks] == sizes
    assert [i for chunk in chunks for i in chunk] == list(range(n))


def test_chunks_of_a_given_size():
    assert cut(5, 2) == [range(0, 2), range(2, 4), range(4, 5)]
    assert cut(2, 8) == [range(0, 2)]
