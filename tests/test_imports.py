"""Imports without the garbage collector, which goes on afterwards."""

import gc

import pytest

from privbench.imports import imports


def test_the_collector_is_stopped_and_what_was_imported_is_frozen():
    before = gc.get_freeze_count()
    try:
        with imports():
            assert not gc.isenabled()
            made = [[] for _ in range(1000)]
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + len(made)
    finally:
        gc.unfreeze()


def test_an_import_that_fails_leaves_the_collector_as_it_was():
    with pytest.raises(ImportError), imports():
        raise ImportError
    assert gc.isenabled()
    gc.disable()
    try:
        with imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.unfreeze()
        gc.enable()
