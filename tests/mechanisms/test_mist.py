"""MIST: its partitions, what each half of a round is trained on, and a round by hand."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from privbench.engine import Batch, Population, build_seeded
from privbench.errors import Incompatible
from privbench.mechanisms.mist import Mist, averaged, cross_difference
from privbench.models.mlp import Mlp

from .training import CLASSES, INDEX, SEEDS, M, batch, linear, recording, task

K = 3
ONE_ROUND = Mlp(hidden=(16,), epochs=1, batch_size=M, lr=0.1)  # a part is one batch


def test_the_cross_difference_is_the_distance_from_the_others():
    targets = torch.tensor(np.random.default_rng(0).dirichlet(np.ones(CLASSES), 10))
    one = batch(targets=targets)
    expected = [
        sum(abs(p - q) for p, q in zip(linear()(x).softmax(-1).tolist(), t.tolist(), strict=True))
        for x, t in zip(one.x, targets, strict=True)
    ]
    torch.testing.assert_close(
        cross_difference(linear(), one), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("m", [60, 58])
def test_each_round_partitions_each_training_set_afresh(m):
    whole = recording(task(Mlp(hidden=(16,), epochs=2, batch_size=20), m=m))
    Mist(sub_models=K).train_population(whole)
    assert len(whole.asked) == 4  # two rounds of two halves
    learn, agree, again, _ = (asked["sets"].index.numpy() for asked in whole.asked)
    np.testing.assert_array_equal(learn, agree)
    for i in range(len(SEEDS)):
        rows = slice(i * K, (i + 1) * K)
        for parts in (learn[rows].ravel(), again[rows].ravel()):
            assert len(set(parts)) == len(parts) == m // K * K
            assert set(parts) <= set(INDEX[i, :m])
        assert not np.array_equal(learn[rows], again[rows])


def test_halves_differ_in_loss_epochs_and_learning_rate():
    whole = recording(task(Mlp(hidden=(16,), epochs=5, batch_size=20, lr=0.1)))
    Mist(sub_models=K, epochs_per_round=2, cross_epochs=3, weight=0.5).train_population(whole)
    assert len(whole.asked) == 6  # rounds of 2 epochs, of which 5 epochs need three
    learn, agree = whole.asked[:2]
    assert (learn["recipe"].epochs, learn["recipe"].lr, "loss" in learn) == (2, 0.1, False)
    assert (agree["recipe"].epochs, agree["recipe"].lr) == (3, 0.05)
    assert agree["loss"] is cross_difference


def by_hand(whole, mechanism, i):
    """One round of model ``i`` in plain PyTorch, each half one step of full-batch SGD."""
    index = mechanism.parts(whole, 0).index[i * K : (i + 1) * K]
    first = build_seeded(whole.build, whole.seeds[i])
    parts = [(whole.sets.x[rows], whole.sets.y[rows]) for rows in index]
    modules = [copy.deepcopy(first) for _ in range(K)]

    def step(module, loss):
        module.zero_grad()
        loss.backward()
        torch.optim.SGD(module.parameters(), lr=0.1).step()

    for module, (x, y) in zip(modules, parts, strict=True):
        step(module, functional.cross_entropy(module(x), y))
    with torch.no_grad():
        outputs = [[module(x).softmax(-1) for x, _ in parts] for module in modules]
    for j, (x, _) in enumerate(parts):
        others = sum(outputs[other][j] for other in range(K) if other != j) / (K - 1)
        step(modules[j], (modules[j](x).softmax(-1) - others).abs().sum(-1).mean())
    named = [dict(module.named_parameters()) for module in modules]
    return {name: sum(each[name] for each in named) / K for name in named[0]}


def test_a_round_by_hand():
    whole, mechanism = task(ONE_ROUND), Mist(sub_models=K, weight=1.0)
    found = mechanism.train_population(whole)
    for i in range(len(SEEDS)):
        for name, weight in by_hand(whole, mechanism, i).items():
            torch.testing.assert_close(found.params[name][i], weight, atol=1e-5, rtol=1e-4)


def test_sub_models_that_agree_are_not_moved():
    """Where others give a record the same output, the cross-difference has no gradient."""
    logits = torch.randn(10, CLASSES, requires_grad=True)
    one = Batch(logits, torch.zeros(10), torch.tensor(0), targets=logits.detach().softmax(-1))
    cross_difference(lambda x: x, one).sum().backward()
    assert logits.grad.abs().max() == 0


def test_buffers_are_averaged_and_counts_are_not():
    module = torch.nn.BatchNorm1d(2)
    population = Population.of(lambda: torch.nn.BatchNorm1d(2), [module] * 4)
    population.buffers["running_mean"] += torch.arange(4.0)[:, None]
    population.buffers["num_batches_tracked"] += torch.tensor([5, 6, 7, 8])
    found = averaged(population, 2)
    assert found.buffers["running_mean"].tolist() == [[0.5, 0.5], [2.5, 2.5]]
    assert found.buffers["num_batches_tracked"].tolist() == [5, 7]
    assert len(found) == 2


def test_mist_needs_as_many_records_as_sub_models():
    with pytest.raises(Incompatible, match="mist: 20 training records for 21 sub-models"):
        Mist(sub_models=21).train_population(task(m=20))


def test_own_records_are_partitioned_as_well():
    """Behind a generator each model has records of its own."""
    from privbench.engine import TrainingSets

    whole = task(ONE_ROUND)
    x, y = (torch.stack(each) for each in zip(*map(whole.sets.of_model, range(3)), strict=True))
    own = replace(whole, sets=TrainingSets.own(x, y))
    shared, found = (Mist(sub_models=K).train_population(t) for t in (whole, own))
    torch.testing.assert_close(found.params, shared.params, atol=1e-5, rtol=1e-4)
