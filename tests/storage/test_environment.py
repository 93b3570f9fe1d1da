import os
import platform

import numpy

import privbench
from privbench.storage.environment import LIBRARIES, environment


def test_versions_and_hardware():
    facts = environment({"mine": "mine 1.0"}, "cuda:1")
    assert facts["python"] == platform.python_version()
    assert facts["privbench"] == privbench.__version__
    assert facts["plugins"] == {"mine": "mine 1.0"}
    assert facts["libraries"]["numpy"] == numpy.__version__
    assert set(facts["libraries"]) == set(LIBRARIES)
    assert facts["device"] == "cuda:1"


def test_cpus_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7}, raising=False)
    assert environment({}, "cpu")["cpus"] == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert environment({}, "cpu")["cpus"] == os.cpu_count()


def test_a_library_that_is_not_installed_is_missing(monkeypatch):
    monkeypatch.setattr("privbench.storage.environment.LIBRARIES", ("no-such-library",))
    assert environment({}, "cpu")["libraries"] == {"no-such-library": "missing"}
