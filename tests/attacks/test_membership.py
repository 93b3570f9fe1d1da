"""Independent rows of membership give nothing away; balanced ones do (protocol, section 1)."""

import numpy as np

from .helpers import auc, null_band

N_MODELS, N = 16, 2000


def counting_attack(member):
    """Scores each record of each model by how many of the other models are IN."""
    return member.sum(axis=0) - member


def independent_rows(rng):
    """Each row a half of the pool of its own."""
    return rng.random((N_MODELS, N)).argsort(axis=1) < N // 2


def balanced_columns(rng):
    """Each record in exactly half of the models (Carlini et al. 2022)."""
    return rng.random((N_MODELS, N)).argsort(axis=0) < N_MODELS // 2


def test_counting_is_at_chance_under_independent_rows():
    member = independent_rows(np.random.default_rng(0))
    # Pairs of one record share their count's other terms, which narrows the band rather than widens it.
    assert abs(auc(counting_attack(member), member) - 0.5) < null_band(
        N_MODELS * N / 2, N_MODELS * N / 2
    )


def test_counting_is_certain_under_balanced_columns():
    member = balanced_columns(np.random.default_rng(0))
    assert auc(-counting_attack(member), member) == 1.0
