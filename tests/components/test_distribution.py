import sys
import types

import pytest

from privbench.components.distribution import (
    Distribution,
    _digest_files,
    code_version,
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


def test_of_a_file_a_digest_and_of_a_package_its_version_tells_states_apart(tmp_path):
    import importlib.metadata

    file = tmp_path / "mine.py"
    file.write_text("a = 1")
    before = code_version(str(file))
    code_version.cache_clear()
    _digest_files.cache_clear()
    file.write_text("a = 2")
    assert len(before) == len(code_version(str(file))) == 64
    assert before != code_version(str(file))
    assert (
        code_version("sklearn.svm") == f"scikit-learn {importlib.metadata.version('scikit-learn')}"
    )


def test_a_package_without_a_release_has_a_digest(tmp_path, monkeypatch):
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text("a = 1")
    monkeypatch.syspath_prepend(tmp_path)
    assert len(code_version("own_package")) == 64
    with pytest.raises(ModuleNotFoundError):
        code_version("there_is_no_such_package")
