"""The split of SELENA, its soft labels, and its limits."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from privbench.data import DataSpec
from privbench.errors import Incompatible
from privbench.mechanisms.selena import Selena

from .training import FEATURES, INDEX, SEEDS, recording, task

SELENA = Selena(sub_models=5, left_out=2)


def some(whole, models):
    seeds = [whole.seeds[i] for i in models]
    return replace(whole, sets=whole.sets.take(models), seeds=seeds)


@pytest.mark.parametrize(("k", "left_out"), [(5, 2), (25, 10), (7, 6), (7, 1)])
@pytest.mark.parametrize("m", [25, 60, 175])
def test_each_record_is_left_out_by_the_same_number_of_sub_models(k, left_out, m):
    trains = Selena(sub_models=k, left_out=left_out).split(m, 3)
    assert trains.shape == (k, m)
    out = (~trains).sum(axis=0)
    assert out.min() == left_out
    assert (out > left_out).sum() <= m % k  # in an incomplete block
    assert len(set(trains.sum(axis=1))) == 1


def test_additional_records_are_left_out_at_random():
    mechanism = Selena(sub_models=25, left_out=10)
    out = np.mean([(~mechanism.split(60, seed)).sum(axis=0) for seed in range(300)], axis=0)
    assert abs(out[:30].mean() - out[30:].mean()) < 0.3  # of 12.5


def test_splits_depend_on_the_seed():
    first, again, other = (SELENA.split(60, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first, axis=1).T) > 5  # offsets differ between blocks


@dataclass(frozen=True)
class NumberedSubModels:
    """Sub-models whose predicted class is their own number, with certainty."""

    k: int

    def predict_one(self, number, x):
        return 80.0 * np.eye(self.k, dtype=np.float32)[np.full(len(x), number % self.k)]


@pytest.mark.parametrize("m", [60, 58])
def test_soft_labels_come_from_sub_models_that_leave_the_record_out(m):
    whole = recording(task(m=m), NumberedSubModels(5))
    SELENA.train_population(replace(whole, spec=DataSpec("tabular", (FEATURES,), 5)))
    subs, released = whole.asked
    index, targets = subs["sets"].index.numpy(), released["sets"].targets.numpy()
    assert index.shape[0] == 5 * len(SEEDS)
    for i in range(len(SEEDS)):
        for position, record in enumerate(INDEX[i, :m]):
            never = [record not in index[5 * i + j] for j in range(5)]
            assert sum(never) >= 2
            np.testing.assert_allclose(
                targets[i, position], np.array(never) / sum(never), atol=1e-9
            )
        assert set(index[5 * i : 5 * i + 5].ravel()) <= set(INDEX[i, :m])
    torch.testing.assert_close(released["sets"].index, whole.sets.index)


def test_models_are_independent_where_a_block_is_incomplete():
    whole, mechanism = task(), Selena(sub_models=25, left_out=10)  # 60 records: two blocks and 10
    whole = replace(whole, sets=whole.sets.take([0, 1]), seeds=whole.seeds[:2])
    found = mechanism.train_population(whole)
    for i in range(2):
        alone = mechanism.train_population(some(whole, [i]))
        expected = {name: weight[[i]] for name, weight in found.params.items()}
        torch.testing.assert_close(alone.params, expected, atol=1e-4, rtol=1e-4)


def test_selena_needs_as_many_records_as_sub_models():
    with pytest.raises(Incompatible, match="selena: 20 training records for 25 sub-models"):
        Selena().train_population(task(m=20))


@pytest.mark.parametrize("left_out", [5, 6])
def test_selena_must_leave_sub_models_to_train(left_out):
    with pytest.raises(ValidationError, match=rf"left_out: {left_out} of 5 sub-models"):
        Selena(sub_models=5, left_out=left_out)
