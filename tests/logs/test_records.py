import json
import logging

import pytest

from privbench.logs import about, collecting, replay
from privbench.logs.file import json_line
from privbench.logs.records import MAX_NAME, to_json


def record(message="m", *arguments, level=logging.INFO, name="privbench.test", **extra):
    made = logging.LogRecord(name, level, "f.py", 1, message, arguments, extra.pop("exc", None))
    made.__dict__.update(extra)
    return made


def test_what_a_record_says():
    values = to_json(record("%s models", 3, stage="scores a", seconds=1.5))
    assert values.pop("time").endswith("+00:00")
    assert values == {
        "level": "info", "logger": "privbench.test", "stage": "scores a", "message": "3 models",
        "seconds": 1.5,
    }  # fmt: skip


def test_blocks_say_what_their_records_are_about():
    with about(stage="outer", plugin="p"):
        with about(stage="inner"):
            values = to_json(record(), trial="t")
        assert (values["stage"], values["plugin"], values["trial"]) == ("inner", "p", "t")
        assert to_json(record(stage="own"), stage="default")["stage"] == "own"
        assert to_json(record())["stage"] == "outer"
    assert "stage" not in to_json(record())


def test_tracebacks():
    try:
        raise ValueError("oh")
    except ValueError as error:
        exc = (type(error), error, error.__traceback__)
    assert to_json(record(exc=exc))["traceback"].endswith("ValueError: oh\n")


class Broken:
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    "made",
    [
        record("%d", "x"),
        record(Broken()),
        record("%s", Broken()),
        record("a\x1b[31m\udce9\x7f\u202e"),
        record(stage=Broken(), seconds=float("nan"), traceback=3),
        record(stage="s" * 10**6),
        record(level=99),
        record(level=-5),
        record(created=1e300),
        record(exc=(ValueError, None, None)),
    ],
)
def test_whatever_is_in_a_record_it_is_json(made):
    values = to_json(made)
    line = json_line(values)
    assert json.loads(line) == values
    assert line.isprintable() or line[:-1].isprintable()
    assert len(values.get("stage", "")) < MAX_NAME + 100
    assert values["level"] in ("debug", "info", "warning", "error", "critical")


def test_records_of_a_worker_are_logged_here(caplog):
    sent = []
    log = logging.getLogger("privbench.engine")
    before = logging.getLogger("privbench").handlers, logging.getLogger("privbench").level
    with collecting(sent.append), about(stage="population a"):
        log.debug("16 %s", "models", extra={"seconds": 2.0})
    assert (logging.getLogger("privbench").handlers, logging.getLogger("privbench").level) == before
    (values,) = map(json.loads, map(json.dumps, sent))
    with caplog.at_level(logging.DEBUG, "privbench"):
        replay(values)
        replay(values, stage="the task that it was given")
    first, second = caplog.records
    assert (first.name, first.levelname, first.getMessage()) == (log.name, "DEBUG", "16 models")
    assert (first.stage, first.seconds) == ("population a", 2.0)
    assert second.stage == "the task that it was given"
    caplog.clear()
    with caplog.at_level(logging.WARNING, "privbench"):
        replay(values)
    assert not caplog.records


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"level": ["x"], "logger": 3, "message": {"a": 1}, "stage": [], "seconds": "x"},
        {"level": "disable", "logger": "root", "message": None},
        {"message": "%s %d", "logger": "privbench\x1b"},
    ],
)
def test_a_worker_may_send_anything(values, caplog):
    with caplog.at_level(logging.DEBUG):
        replay(values)
    (made,) = caplog.records
    assert made.name == "privbench.workers"
    json_line(to_json(made))
