"""The log of a run: what it has of stages, trials, failures and the world before."""

import json
import logging
import sys
import warnings
from pathlib import Path

import pytest

from privbench.api import make_plans, make_runner
from privbench.components.outcome import NoResult
from privbench.logs import about
from privbench.logs.run import RunLog, delete_log, early_records, log_path
from privbench.plugins.host import PluginFailure


class Stage:
    """As much of a stage as observers look at."""

    def __init__(self, name="scores a", key="k" * 64):
        self.name, self.key = name, key

    def __str__(self):
        return self.name


ROW = {
    "dataset": "d", "defense": "none", "model": "m", "attack": "a", "knowledge": "adaptive", "seed": 0,
    "status": "ok", "reason": "",
}  # fmt: skip


@pytest.fixture
def opened(tmp_path, host):
    """Opens a log as a run does, and the records that it wrote."""

    def opened(failures=None, begin=True, **facts):
        log = RunLog(tmp_path, host, failures or {}, "privbench run b")
        if begin:
            log.begin(1, {"python": "3.11"} | facts, "b")
        return log

    return opened


@pytest.fixture
def read(tmp_path):
    return lambda: [json.loads(line) for line in log_path(tmp_path, 1).read_text().splitlines()]


def messages(records):
    return [values["message"] for values in records]


def test_a_run_has_its_log(host, config, tmp_path):
    text = config.read_text().replace("epochs = 10", "epochs = 1").replace("0.1\n", "0\n")
    config.write_text(text)
    (plan,) = make_plans(["small"], host, config=config, select="none and adaptive and loss")
    runner = make_runner(plan, host, results=tmp_path, device="cpu")
    with warnings.catch_warnings(record=True):
        runner.run()
    records = [json.loads(line) for line in log_path(tmp_path, 1).read_text().splitlines()]
    first = records[0]
    assert first["message"] == "run 1 of small begins"
    assert first["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert first["versions"]["libraries"]["torch"]
    about_stages = {values["stage"] for values in records if "stage" in values}
    assert about_stages == {str(stage) for stage in plan.stages if stage.stored}
    engine = [values for values in records if values["logger"].startswith("privbench.engine")]
    assert engine
    assert all(values["stage"].startswith("population") for values in engine)
    done = {values["trial"]: values["message"] for values in records if "trial" in values}
    assert done == {str(trial): "ok" for trial in plan.trials}
    finished = [values for values in records if values["message"] == "ok" and "stage" in values]
    assert all(0 <= values["seconds"] < 60 for values in finished)
    assert records[-1]["message"] == "the run is complete; rows: 1 ok"
    assert runner.log.recent == {}


def test_debug_records_are_in_the_log_and_nowhere_else(opened, read, caplog):
    log = logging.getLogger("privbench.engine")
    with caplog.at_level(logging.INFO, "privbench"):
        with opened():
            log.debug("quiet")
            logging.getLogger("some.plugin").warning("loud")
        log.debug("later")
    assert messages(read())[1:] == ["quiet", "loud"]
    assert caplog.messages == ["loud"]


def test_records_of_before_the_run(opened, read):
    with early_records() as early:
        logging.getLogger("privbench.datasets").info("3 rows have gaps, token=abcdef")
    log = opened(begin=False)
    log.add_early(early)
    with log:
        logging.getLogger("privbench.plan").debug("planned")
        log.begin(1, {}, "b")
    assert messages(read()) == ["run 1 of b begins", "3 rows have gaps, token=***", "planned"]


def test_plugins_that_failed_before(opened, read, host):
    host.failures.append(PluginFailure("p", "p 1.0", "import", "SyntaxError: x", "Traceback ..."))
    with opened():
        pass
    found = read()[1]
    assert (found["level"], found["plugin"]) == ("warning", "p")
    assert (found["message"], found["traceback"]) == ("import: SyntaxError: x", "Traceback ...")


def test_a_failure_is_an_error_once(opened, read, host):
    first, second = Stage("scores a", "1"), Stage("metrics a", "2")
    failure = NoResult("failed", "scores: a: ValueError", "Traceback ...")
    failures = {}
    log = opened(failures)
    with log:
        for stage in (first, second):
            host.call("stage_started", stage=stage)
            logging.getLogger("privbench.stages").debug("within %s", stage)
            log.failures[stage.key] = failure
            host.call("stage_finished", stage=stage, status="failed", seconds=1.0)
        host.call("trial_finished", rows=[ROW | {"status": "failed", "reason": failure.reason}])
    errors = [values for values in read() if values["level"] == "error"]
    assert [(values["stage"], values["seconds"]) for values in errors] == [("scores a", 1.0)]
    assert errors[0]["traceback"] == "Traceback ..."
    assert [v["trial"] for v in read() if "trial" in v] == ["d/none/m/a/adaptive/seed=0"]
    assert {stage: messages(kept) for stage, kept in log.recent.items()} == {
        "scores a": ["within scores a"]
    }


def test_a_trial_that_fails_without_a_stage(opened, read, host):
    with opened():
        host.call("trial_finished", rows=[ROW | {"status": "failed", "reason": "was left out"}])
        host.call("trial_finished", rows=[ROW | {"status": "skipped", "reason": "no labels"}, ROW])
    failed, skipped = read()[1:]
    assert (failed["level"], failed["message"]) == ("error", "failed: was left out")
    assert (skipped["level"], skipped["message"]) == ("debug", "skipped: no labels; ok")


def test_records_are_about_the_only_stage_that_is_open(opened, read, host):
    one, two = Stage("one", "1"), Stage("two", "2")
    log = logging.getLogger("privbench.engine")
    with opened():
        host.call("stage_started", stage=one)
        log.debug("of one")
        host.call("stage_started", stage=two)  # in a worker
        log.debug("of some")
        with about(stage="two"):
            log.debug("of two")
        host.call("stage_finished", stage=one, status="ok", seconds=0.0)
        log.debug("of two")
        host.call("stage_finished", stage=two, status="ok", seconds=0.0)
        log.debug("of none")
    found = [(v["message"], v.get("stage")) for v in read() if v["message"].startswith("of")]
    assert found == [
        ("of one", "one"), ("of some", None), ("of two", "two"), ("of two", "two"), ("of none", None),
    ]  # fmt: skip


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt()])
def test_a_run_that_ends_early(opened, read, error, host):
    with pytest.raises(type(error)), opened():
        raise error
    last = read()[-1]
    assert last["level"] == "error"
    assert last["message"].startswith(f"the run ended: {type(error).__name__}")
    assert "test_run.py" in last["traceback"]
    assert not any(isinstance(one, RunLog) for one in host.manager.get_plugins())


def test_a_log_that_cannot_be_written_stops_nobody(opened, tmp_path, host, caplog):
    (tmp_path / "logs").write_text("no folder")
    stage = Stage()
    log = opened()
    with log:
        host.call("stage_started", stage=stage)
        logging.getLogger("privbench.stages").info("seen")
        log.failures[stage.key] = NoResult("failed", "r")
        host.call("stage_finished", stage=stage, status="failed", seconds=0.1)
    assert messages(log.recent["scores a"]) == ["seen"], "what a failure shows needs no file"
    assert not host.failures
    assert "the log is not written" in caplog.text


def test_deleting(tmp_path):
    path = log_path(tmp_path, 7)
    assert path == Path(tmp_path) / "logs" / "7.jsonl"
    delete_log(tmp_path, 7)  # there is none
    path.parent.mkdir()
    path.write_text("")
    delete_log(tmp_path, 7)
    assert not path.exists()
