"""Progress is counted across threads."""

import threading

from privbench.engine import train_population
from privbench.engine.processes.ticker import Ticker

from ..problems import MODELS, RECIPES, SEEDS, mlp, shared_sets


def train(**options):
    return train_population(mlp(), shared_sets(), RECIPES["momentum"], SEEDS, **options)


def test_progress_is_counted_across_threads_and_told_by_this_one(two_threads):
    seen = []
    train(chunk=1, progress=lambda *now: seen.append((*now, threading.get_ident())))
    done = [count for count, _, _ in seen]
    assert done == sorted(set(done))
    assert seen[-1] == (MODELS * 3, MODELS * 3, threading.get_ident())
    assert {thread for _, _, thread in seen} == {threading.get_ident()}


def test_a_ticker_adds_up():
    seen = []
    tick = Ticker(5, lambda *now: seen.append(now))
    tick(2)
    tick(3)
    assert seen == [(2, 5), (5, 5)]
