import sys
import types

import pytest

from privbench.components.distribution import (
    Distribution,
    _digest_files,
    is_local,
    source_digest,
    source_places,
)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module or a package of the name ``mine``; return its folder or file."""

    def make(*, package):
        module = types.ModuleType("mine")
        path = tmp_path / ("mine" if package else "mine.py")
        if package:
            path.mkdir()
            module.__path__ = [str(path)]
            (path / "a.py").write_text("a = 1")
        else:
            module.__file__ = str(path)
            path.write_text("a = 1")
        monkeypatch.setitem(sys.modules, "mine", module)
        return path

    return make


def test_a_package_is_all_of_its_files(module):
    path = module(package=True)
    assert source_places("mine.sub.module") == (str(path),)
    before = source_digest("mine.a")
    _digest_files.cache_clear()
    (path / "b.py").write_text("b = 2")
    assert source_digest("mine.a") != before


def test_a_single_file(module):
    path = module(package=False)
    assert source_places("mine") == (str(path),)
    before = source_digest("mine")
    _digest_files.cache_clear()
    assert source_digest("mine") == before
    _digest_files.cache_clear()
    path.write_text("a = 2")
    assert source_digest("mine") != before


def test_what_was_typed_into_a_session_or_is_gone_has_no_source(monkeypatch):
    monkeypatch.setitem(sys.modules, "typed", types.ModuleType("typed"))
    assert source_places("typed") == ()
    assert source_digest("typed") == ""
    assert source_places("no_such_module_here") == ()


def test_releases_and_local_folders():
    assert not is_local("numpy")
    assert is_local("no-such-distribution")


def test_a_distribution_reads_as_name_and_version():
    assert str(Distribution("mine", "1.0")) == "mine 1.0"
    assert str(Distribution("mine.py")) == "mine.py"
