import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from privbench.api import make_plans, run_plan
from privbench.cli.progress import Progress, TimeLeft
from privbench.config import Overrides


@dataclass
class Stage:
    """As much of a stage as the progress bar looks at."""

    title: str
    weight: float = 1.0
    inputs: tuple["Stage", ...] = ()

    @property
    def key(self):
        return self.title

    def __str__(self):
        return f"population {self.title}"


@dataclass
class Plan:
    trials: tuple[str, ...] = ("a", "b")


LIGHT, HEAVY = Stage("light"), Stage("csv[path=a]/vae[epsilon=8]", 3.0)


@pytest.fixture
def console(monkeypatch):
    """Make stderr a terminal, or a file; returns what is shown on it."""

    def console(terminal):
        shown = Console(file=io.StringIO(), force_terminal=terminal, width=200, color_system=None)
        monkeypatch.setattr("privbench.cli.progress.console", lambda: shown)
        return shown.file

    return console


@pytest.fixture
def started(host, console):
    """A progress bar at the start of a run of two stages and two trials."""

    def started(terminal=False):
        text = console(terminal)
        progress = Progress(host)
        progress.__enter__()
        bars.append(progress)
        host.call("run_started", plan=Plan(), needed=[LIGHT, HEAVY])
        return progress, text

    bars = []
    yield started
    for progress in bars:
        progress.__exit__()


def finish(host, stage, seconds=0.0, status="ok"):
    host.call("stage_started", stage=stage)
    host.call("stage_finished", stage=stage, status=status, seconds=seconds)


def percentage(progress):
    (task,) = progress.bar.tasks
    return task.percentage


def test_stages_move_the_bar_by_their_weight(host, started):
    progress, _ = started()
    assert percentage(progress) == 0
    finish(host, LIGHT)
    assert percentage(progress) == 25
    host.call("stage_started", stage=HEAVY)
    host.call("stage_progress", stage=HEAVY, done=1, total=2)
    assert percentage(progress) == 62.5
    host.call("stage_finished", stage=HEAVY, status="failed", seconds=0.0)
    assert percentage(progress) == 100


def test_the_time_left_is_as_long_as_that_of_what_is_done(host, started):
    """A quarter took 2 s, so that three quarters take 6 s."""
    progress, _ = started()
    (task,) = progress.bar.tasks
    assert str(TimeLeft().render(task)) == "-"
    finish(host, LIGHT)
    task.start_time, task.stop_time = 10.0, 12.0
    assert str(TimeLeft().render(task)) == "6 s left"


def test_the_bar_counts_stages_and_trials_and_names_the_stage(host, started):
    progress, text = started(terminal=True)
    finish(host, LIGHT)
    host.call("trial_finished", rows=[])
    host.call("stage_started", stage=HEAVY)
    progress.bar.refresh()
    # In full: what is in brackets is a label, and no markup of rich.
    assert "stages 1/2  trials 1/2  population csv[path=a]/vae[epsilon=8]" in text.getvalue()


def test_a_bar_that_is_done_leaves_nothing_on_the_terminal(host, console):
    text = console(True)
    with Progress(host):
        host.call("run_started", plan=Plan(), needed=[LIGHT])
        finish(host, LIGHT, seconds=2.0)
    assert "[1/1]" not in text.getvalue()
    assert text.getvalue().endswith("\x1b[1A\x1b[2K")  # up a line, and erase it


def test_a_file_gets_a_line_for_each_stage_that_took_a_second_or_failed(host, started):
    _, text = started()
    finish(host, LIGHT, seconds=0.99)
    assert text.getvalue() == ""
    finish(host, HEAVY, seconds=1.04)
    finish(host, LIGHT, seconds=0.5, status="failed")
    assert text.getvalue().splitlines() == [
        "[2/2] population csv[path=a]/vae[epsilon=8] 1.0 s ok",
        "[3/2] population light 0.5 s failed",
    ]


def test_of_stages_that_fail_for_the_same_reason_only_the_first_is_shown(host, started):
    _, text = started()
    scores = Stage("scores", inputs=(LIGHT, HEAVY))
    for stage in (LIGHT, scores, Stage("metrics", inputs=(scores,))):
        finish(host, stage, status="failed")
    finish(host, Stage("other", inputs=(HEAVY,)), status="failed")
    assert [line.split()[2] for line in text.getvalue().splitlines()] == ["light", "other"]


def test_it_observes_only_until_it_ends(host, console):
    console(False)
    with Progress(host) as progress:
        host.call("run_started", plan=Plan(), needed=[LIGHT])
    finish(host, LIGHT)
    assert progress.done_stages == 0


def test_a_run_ends_at_100_percent(host, console, config, tmp_path):
    console(False)
    overrides = Overrides.parse(["mlp.epochs=1", 'models=["mlp", "cnn"]'])
    (plan,) = make_plans(["small"], host, config=config, overrides=overrides, select="none")
    with Progress(host) as progress:
        run_plan(plan, host, results=tmp_path / "results", device="cpu")
    assert host.failures == []
    assert progress.done_stages == progress.stages > 10
    assert progress.done_trials == progress.trials == 8  # skipped ones are trials, too
    assert percentage(progress) == pytest.approx(100)
