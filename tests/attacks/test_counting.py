"""Counting IN shadows reveals nothing under independent rows of membership, unlike balanced ones."""

import numpy as np
import pytest

from privbench.membership import draw_membership

from .helpers import auc, null_band

N_MODELS, N = 16, 2000


def counting_attack(member):
    """Score each record of each model by how many of the other models are IN."""
    return member.sum(axis=0) - member


def balanced_columns(rng):
    """Return membership with each record in exactly half of the models (Carlini et al. 2022)."""
    return rng.random((N_MODELS, N)).argsort(axis=0) < N_MODELS // 2


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("canaries", [0, 200])
def test_counting_is_at_chance_under_the_membership_that_is_drawn(canaries, seed):
    canary = np.arange(N) < canaries
    member = draw_membership(N_MODELS, canary, ["counting", seed])
    scores = counting_attack(member)
    for records in [slice(None), canary, ~canary]:
        model_scores, truth = scores[:, records], member[:, records]
        if truth.size:
            # Pairs of one record share most of their count, which narrows the band.
            assert abs(auc(model_scores, truth) - 0.5) < null_band(truth.sum(), (~truth).sum())


@pytest.mark.parametrize("seed", range(5))
def test_counting_is_at_chance_for_canaries_beside_records_that_are_always_in(seed):
    canary, always = np.arange(N) < 400, np.arange(N) >= 1800
    member = draw_membership(N_MODELS, canary, ["counting", seed], always)
    scores, truth = counting_attack(member)[:, canary], member[:, canary]
    assert abs(auc(scores, truth) - 0.5) < null_band(truth.sum(), (~truth).sum())


def test_counting_is_certain_under_balanced_columns():
    member = balanced_columns(np.random.default_rng(0))
    assert auc(-counting_attack(member), member) == 1.0
