"""The public names of privbench."""

import inspect

import pytest

import privbench


@pytest.mark.parametrize("name", privbench.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert inspect.getdoc(getattr(privbench, name)) or name == "hookimpl"


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="'privbench' has no attribute 'Atack'"):
        privbench.Atack  # noqa: B018
    assert not hasattr(privbench, "annotations_of_nothing")


def test_dir_lists_the_public_names():
    assert {"Attack", "Guarantee", "audit", "run", "__version__"} <= set(dir(privbench))
    assert len(set(privbench.__all__)) == len(privbench.__all__)
