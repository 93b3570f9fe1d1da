"""``privbench run --dry-run`` and ``--executor``: what a plan is, and what carries it out."""

import re
import shutil

import pytest

from privbench.storage.times import Times

from .helpers import printed, refused

EXECUTOR = """
    class Mine(privbench.Executor):
        '''An executor of mine.'''
        name = "mine"

        def execute(self, tasks):
            {body}

    @hookimpl
    def register_executors(register):
        register(Mine)
    """
ONE = ("small", "-k", "none and loss and adaptive", "--json")


@pytest.fixture
def plan(run):
    """The stages of the plan of ``small`` by their status, and what is rejected."""

    def plan(*arguments):
        found = printed(run("small", "--dry-run", "--json", *arguments))
        stages = {}
        for line in found["stages"]:
            stages.setdefault(line["status"], set()).add(line["stage"])
        return stages, found["rejected"]

    return plan


@pytest.fixture
def executor(run, plugin):
    """Run with an executor, and further arguments, whose ``execute`` does this."""

    def executor(body):
        return run(*ONE, "-p", plugin(EXECUTOR.format(body=body)), "--executor", "mine")

    return executor


EVERY_STAGE = {
    *("population", "outputs", "utility", "scores", "split-scores", "metrics"),
    *("audit", "left-out", "records", "output-traits", "warnings"),
}


def test_before_and_after_a_run(plan, run, tmp_path):
    before, rejected = plan("-k", "none and lira")
    assert before == {"compute": EVERY_STAGE}
    assert rejected == []
    assert not (tmp_path / "results").exists()
    run("small", "-k", "none and lira")
    after, _ = plan("-k", "none and lira")
    assert after == {"stored": before["compute"]}


def test_a_new_attack_trains_nothing(plan, run):
    run("small", "-k", "none and lira")
    stages, _ = plan("-k", "none and loss")
    assert stages == {
        "stored": {"population", "outputs", "utility", "output-traits"},
        "compute": {"scores", "left-out", "metrics", "records", "audit", "warnings"},
    }


def test_what_stored_results_no_longer_need(plan, run, tmp_path):
    run("small", "-k", "none and lira")
    for path in (tmp_path / "results" / "artifacts" / "population").iterdir():
        path.unlink()
    stages, _ = plan("-k", "none and lira")
    assert stages["not needed"] == {"population"}
    assert "compute" not in stages


def test_the_plan_as_text(run):
    result = run("small", "-k", "none and lira", "--dry-run")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["stage", "stored", "to", "compute", "time"]
    assert ["population", "0", "1", "no", "history"] in lines
    *_, counts, time, memory = result.stdout.splitlines()
    assert counts == "2 trials; 11 stages, 11 to compute"
    assert time.startswith("time: not known")
    assert re.fullmatch(r"memory: about \d+ MB at most, by a stage of [a-z-]+", memory)
    each = run("small", "-k", "none and lira", "--dry-run", "-v").stdout.splitlines()
    assert each[0].split()[:2] == ["compute", "population"]
    assert len(each) == len(lines) + 11


def test_a_plan_says_how_much_memory_it_takes(run):
    def taken(*settings):
        return printed(run("small", "-k", "none", "--dry-run", "--json", *settings))["memory"]

    small, large = taken(), taken("--set", "population=400000")
    assert 0 < small["bytes"] < large["bytes"]
    assert large["stage"]
    refused(
        run("small", "-k", "none", "--set", "population=400000", "--memory", "1GB"), "takes about"
    )


def test_a_plan_says_how_long_it_takes_by_similar_stages(run, tmp_path):
    """Half of the trials have run: the rest takes as long, and what is stored no time."""
    run("small", "-k", "none and lira and adaptive")
    shutil.rmtree(tmp_path / "results" / "artifacts")
    found = printed(run("small", "-k", "lira or loss", "--dry-run", "--json"))
    population, scores = (found["kinds"][kind] for kind in ("population", "scores"))
    assert (population["without history"], scores["without history"]) == (0, 3)
    low, high = found["total"]["range"]
    assert 0 < low <= found["total"]["seconds"] <= high
    assert found["total"]["bytes"] > 1000
    times = Times(tmp_path / "results").all()
    (once,) = (time.seconds for time in times if time.kind == "population")
    assert population["seconds"] == pytest.approx(once)
    text = run("small", "-k", "lira or loss", "--dry-run").stdout
    assert "without history" in text
    assert "what has no history: loss" in text.replace("\n", " ")
    n_stages = len(times)
    assert found["history"] == {"stages": n_stages, "device": "cpu"}
    assert f"this is from {n_stages} cpu stages" in text
    assert "another one, or a busier one" in text.replace("\n", " ")
    assert "this is from" not in run("small", "--results", "new", "--dry-run").stdout


def test_a_plan_is_made_without_the_device(run):
    result = run("small", "--dry-run", "--device", "cuda:99")
    assert result.exit_code == 0


def test_trials_that_cannot_run(plan):
    stages, rejected = plan("--set", 'models=["cnn", "mlp"]', "-k", "none and loss and adaptive")
    assert "population" in stages["compute"]
    (one,) = rejected
    assert one["status"] == "skipped"
    assert "/cnn/" in one["trial"]
    assert "image" in one["reason"]


def test_a_plan_downloads_nothing(plan, remote, server):
    chosen = ("-p", remote, "--set", 'datasets=["remote"]', "-k", "none and loss and adaptive")
    stages, (one,) = plan(*chosen)
    assert stages == {}
    assert one["status"] == "unavailable"
    assert f"would download {server.url}/r.bin" in one["reason"]
    assert server.requests.total() == 0


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_unknown_executor(run, more):
    refused(
        run(*ONE, "--executor", "locl", *more), "unknown executor 'locl'", "did you mean 'local'?"
    )


def test_an_executor_of_a_plugin_gives_the_same(executor, run):
    (row,) = printed(executor("while tasks.unfinished: tasks.run(*tasks.ready(1))"))
    (local,) = printed(run(*ONE, "--results", "elsewhere"))
    assert (row["status"], row["auc"]) == ("ok", local["auc"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise OSError('no queue')", "executor 'mine': OSError: no queue"),
        ("tasks.run(*tasks.ready(1)); raise OSError('full')", "executor 'mine': OSError: full"),
        ("pass", "executor 'mine' left this trial out"),
    ],
)
def test_an_executor_that_does_not_do_its_work(executor, run, body, reason):
    (row,) = printed(executor(body), status=1)
    assert (row["status"], row["reason"]) == ("failed", reason)
    (again,) = printed(run(*ONE))
    assert again["status"] == "ok"


def test_an_interrupt_says_how_to_go_on(executor, plan):
    result = executor("tasks.run(*tasks.ready(1)); raise KeyboardInterrupt")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert "run the same command again" in result.stderr
    assert "Traceback" not in result.stderr
    stages, _ = plan(*ONE[1:-1])
    assert stages["stored"] == {"population"}
