import os
import platform
import re
import subprocess

import numpy
import pytest

import privbench
from privbench.storage.environment import LIBRARIES, commit_of, environment


def test_versions_and_hardware():
    facts = environment({"mine": "mine 1.0"}, "cuda:1")
    assert facts["python"] == platform.python_version()
    assert facts["privbench"] == privbench.__version__
    assert facts["plugins"] == {"mine": "mine 1.0"}
    assert facts["libraries"]["numpy"] == numpy.__version__
    assert set(facts["libraries"]) == set(LIBRARIES)
    assert facts["device"] == "cuda:1"
    assert "plugins_off" not in facts
    assert environment({}, "cpu", ["theirs"])["plugins_off"] == ["theirs"]


def test_cpus_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7}, raising=False)
    assert environment({}, "cpu")["cpus"] == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert environment({}, "cpu")["cpus"] == os.cpu_count()


def test_a_library_that_is_not_installed_is_missing(monkeypatch):
    monkeypatch.setattr("privbench.storage.environment.LIBRARIES", ("no-such-library",))
    assert environment({}, "cpu")["libraries"] == {"no-such-library": "missing"}


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def package(tmp_path):
    """A package in a folder of a git repository that has one commit."""
    package = tmp_path / "repository" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    git(package.parent, "init", "-q")
    git(package.parent, "add", ".")
    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    git(package.parent, *author, "commit", "-q", "-m", "first")
    commit_of.cache_clear()
    return package


def test_the_commit_of_a_checkout(package):
    found = commit_of(package)
    assert found["clean"] is True
    assert re.fullmatch("[0-9a-f]{40}", found["commit"])
    (package.parent / "results.md").write_text("beside the package")
    commit_of.cache_clear()
    assert commit_of(package) == found


@pytest.mark.parametrize("name", ["__init__.py", "new.py"])
def test_code_that_differs_from_the_commit(package, name):
    (package / name).write_text("x = 1")
    assert commit_of(package)["clean"] is False
    assert commit_of(package)["commit"]


def test_an_installed_package_has_not_the_commit_of_the_repository_around_it(package):
    installed = package.parent / ".venv" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    (package.parent / ".gitignore").write_text(".venv")
    assert commit_of(installed) == {"commit": None, "clean": None}


def test_variables_of_a_git_hook_do_not_lead_to_another_repository(package, monkeypatch, tmp_path):
    found = commit_of(package)
    commit_of.cache_clear()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    assert commit_of(package) == found


def test_without_git_there_is_no_commit(package, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit_of(package) == {"commit": None, "clean": None}
