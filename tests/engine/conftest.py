"""Fixtures of the engine's tests."""

import pytest
import torch


@pytest.fixture
def two_threads():
    """Two threads for torch, however many the tests have; whoever changes that must restore it."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert after == 2
