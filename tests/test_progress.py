"""The progress bar of a run from Python. That of the command line is tested in tests/cli."""

import sys
from types import SimpleNamespace

import pytest

import privbench
from privbench.forecast import Forecasts
from privbench.progress import Bar, can_show, shown


class Stage:
    """As much of a stage as the bar looks at."""

    def __init__(self, key, weight):
        self.key, self.weight = key, weight

    def __str__(self):
        return f"population of\n{self.key}"


PLAN = SimpleNamespace(benchmark=SimpleNamespace(name="small"))
LIGHT, HEAVY = Stage("light", 1.0), Stage("heavy", 3.0)


@pytest.fixture
def bar():
    bar = Bar(Forecasts([]))
    yield bar
    bar.close()


def test_stages_move_it_by_their_weights(bar):
    bar.run_started(PLAN, [LIGHT, HEAVY])
    assert (bar.bar.n, bar.bar.total) == (0, 4)
    bar.stage_started(LIGHT)
    assert bar.bar.desc == "population of light"
    bar.stage_finished(LIGHT)
    assert bar.bar.n == 1
    bar.stage_progress(HEAVY, 1, 2)
    assert bar.bar.n == 2.5
    bar.stage_finished(HEAVY)
    assert bar.bar.n == 4


def test_a_run_that_computes_nothing_has_none(bar):
    bar.run_started(PLAN, [])
    bar.stage_finished(LIGHT)
    assert bar.bar is None


def test_it_observes_only_until_it_ends(host):
    with shown(host, Forecasts([])):
        pass
    host.call("run_started", plan=PLAN, needed=[LIGHT])
    assert host.failures == []


def test_somebody_sees_it_at_a_terminal_or_in_a_notebook(monkeypatch):
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: False))
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not can_show()
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert can_show()
    shell.config.clear()  # IPython in a terminal
    assert not can_show()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    assert can_show()


@pytest.mark.parametrize("progress", [True, False])
def test_a_run_shows_it_unless_told_not_to(config, tmp_path, monkeypatch, capfd, progress):
    monkeypatch.setattr("privbench.progress.can_show", lambda: True)
    settings = {"canaries": 0, "mlp.epochs": 1}
    privbench.run(
        "small", config=config, results=tmp_path, select="loss and none and adaptive",
        set=settings, device="cpu", progress=progress,
    )  # fmt: skip
    assert ("left  " in capfd.readouterr().err) == progress
