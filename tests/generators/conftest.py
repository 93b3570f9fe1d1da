import pytest
import torch

from .problems import LEARNS, MIXED, SMALL, patterns, records, rng_of


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """The networks here are tiny: a second thread only waits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def on_patterns():
    """A VAE that has learned the patterns."""
    return LEARNS.fit(patterns(), rng_of(1))


@pytest.fixture(scope="module")
def on_mixed():
    """A VAE of a mixed table, hardly trained."""
    return SMALL.fit(records(MIXED), rng_of())
