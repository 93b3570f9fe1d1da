"""Batches of a job: every record of a model once per epoch, with what belongs to it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from privbench.engine import Phase, TrainingSets
from privbench.engine.core.job import Gather, names_trained_by
from privbench.engine.core.loss import cross_entropy

from ..problems import MODELS, SEEDS, M, job, mlp


def numbered():
    """Records whose only feature is the model's number and their own, with targets to match."""
    numbers = np.arange(MODELS * M).reshape(MODELS, M)
    x = numbers[..., None].astype(np.float32)
    other = np.arange(1000, 1010, dtype=np.float32)[:, None], np.arange(10)
    sets = TrainingSets.own(x, numbers).adding(targets=numbers * 10, other=other)
    return replace(job(mlp()), sets=sets, random_inputs=lambda rng, m: rng.random((m, 2)))


def test_an_epoch_has_each_record_of_each_model_once():
    models = range(1, 4)
    batches = list(numbered().batches(models, numbered().draws(models), 2))
    assert [batch.y.shape for batch in batches] == [(3, 8)] * 4 + [(3, 5)]
    assert all(int(batch.epoch) == 2 for batch in batches)
    labels = torch.cat([batch.y for batch in batches], 1)
    for row, model in enumerate(models):
        assert sorted(labels[row].tolist()) == list(range(model * M, (model + 1) * M))
        order = np.random.default_rng([SEEDS[model], 0]).permutation(M)
        assert labels[row].tolist() == (model * M + order).tolist()


def test_a_record_comes_with_its_label_and_target():
    batch = next(numbered().batches(range(MODELS), numbered().draws(range(MODELS)), 0))
    assert torch.equal(batch.x[..., 0].long(), batch.y)
    assert torch.equal(batch.targets, batch.y * 10)
    assert torch.equal(batch.other_x[..., 0].long(), 1000 + batch.other_y)
    assert batch.random_inputs.shape == (MODELS, 8, 2)


def test_random_inputs_to_try_are_the_first_ones():
    some = numbered().some_random_inputs(range(2), 3)
    expected = [np.random.default_rng([seed, 1]).random((3, 2)) for seed in SEEDS[:2]]
    np.testing.assert_array_equal(some, np.stack(expected))
    assert job(mlp()).some_random_inputs(range(2), 3) is None


def test_gathered_records_are_the_rows_and_share_memory():
    x = torch.arange(12.0).view(6, 2)
    gather, rows = Gather(), torch.tensor([[0, 5], [3, 3]])
    first = gather(x, rows)
    assert torch.equal(first, x[rows])
    second = gather(x, rows.flip(1))
    assert second.data_ptr() == first.data_ptr()
    assert torch.equal(second, x[rows.flip(1)])


def test_a_phase_trains_parameters_by_prefix():
    names = ["attack.weight", "model.weight", "model.bias"]
    assert names_trained_by(Phase(cross_entropy), names) == names
    assert names_trained_by(Phase(cross_entropy, "model."), names) == names[1:]
    with pytest.raises(ValueError, match="starts with 'head'"):
        names_trained_by(Phase(cross_entropy, "head"), names)
