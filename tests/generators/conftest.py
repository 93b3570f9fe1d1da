import pytest

from .problems import LEARNS, MIXED, SMALL, patterns, records, rng_of


@pytest.fixture(scope="module")
def on_patterns():
    """A VAE that has learned the patterns."""
    return LEARNS.fit(patterns(), rng_of(1))


@pytest.fixture(scope="module")
def on_mixed():
    """A VAE of a mixed table, hardly trained."""
    return SMALL.fit(records(MIXED), rng_of())
