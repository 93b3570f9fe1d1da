from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def gaussians():
    """A population in which members score N(shift, 1) and the others N(0, 1)."""

    def make(n_models, n_records, shift, rng):
        member = rng.random((n_models, n_records)).argsort(axis=1) < n_records // 2
        return rng.normal(size=member.shape) + shift * member, member

    return make
