"""Training sets: where records live, what is checked, and what losses get beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from privbench.engine import TrainingSets

from ..problems import FEATURES, MODELS, M, shared_sets


def test_additions_are_checked() -> None:
    sets = shared_sets()
    with pytest.raises(ValueError, match=r"targets \(5, 36\).*5 models and 37 records"):
        sets.adding(targets=np.zeros((MODELS, M - 1)))
    for x in (np.zeros((3, FEATURES + 1)), np.zeros((2, FEATURES)), np.zeros((0, FEATURES))):
        with pytest.raises(ValueError, match="other: records"):
            sets.adding(other=(x, np.zeros(len(x) and 3)))


def test_some_of_the_sets_are_theirs_in_order() -> None:
    targets = np.arange(MODELS * M, dtype=np.float32).reshape(MODELS, M)
    shared = shared_sets().adding(targets=targets)
    own = TrainingSets.own(
        torch.stack([shared.of_model(i)[0] for i in range(MODELS)]),
        torch.stack([shared.of_model(i)[1] for i in range(MODELS)]),
    )
    for sets in (shared, own.adding(targets=targets)):
        some = sets.take([3, 0])
        assert some.n_models == 2
        assert some.targets is not None
        assert torch.equal(some.targets, torch.tensor(targets[[3, 0]]))
        for ours, theirs in zip(some.of_model(0), sets.of_model(3), strict=True):
            assert torch.equal(ours, theirs)


def test_shared_records_live_once_in_memory() -> None:
    x = np.zeros((6, 4), np.float32)
    x.flags.writeable = False  # as arrays that come from a file are
    sets = TrainingSets.shared(x, np.zeros(6, np.int64), np.zeros((50, 3), np.int64))
    assert np.shares_memory(sets.x.numpy(), x)
    assert sets.to("cpu").flat()[0].data_ptr() == sets.x.data_ptr()
    assert (sets.n_models, sets.m) == (50, 3)
    by_feature = TrainingSets.shared(np.asfortranarray(x), np.zeros(6, np.int64), sets.index)
    assert by_feature.x.is_contiguous()


def test_sets_are_checked() -> None:
    x, y = np.zeros((4, 2), np.float32), np.zeros(4, np.int64)
    with pytest.raises(ValueError, match="do not match"):
        TrainingSets.shared(x, y[:3], np.zeros((2, 2), np.int64))
    with pytest.raises(ValueError, match="points outside of the 4 records"):
        TrainingSets.shared(x, y, np.full((2, 2), 4))
    with pytest.raises(ValueError, match="int64"):
        TrainingSets.shared(x, y, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="2 models of 0 records"):
        TrainingSets.shared(x, y, np.zeros((2, 0), np.int64))
    with pytest.raises(ValueError, match="do not match"):
        TrainingSets.own(x, y)
