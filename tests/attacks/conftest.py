import pytest

from .helpers import random_population, view_of


@pytest.fixture
def view():
    """The view of one target of a random population."""
    return view_of(*random_population())
