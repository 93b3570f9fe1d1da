"""A log takes every record, and nobody else sees more or less than without it."""

import io
import logging

import pytest

from privbench.logs.tee import Tee


@pytest.fixture
def taken():
    """The messages that are taken while the test lasts, from a known state of all loggers."""
    own, root = logging.getLogger("privbench"), logging.getLogger()
    before = [(log, log.level, log.handlers, log.propagate) for log in (own, root)]
    own.handlers, root.handlers = [], []
    own.setLevel(logging.NOTSET)
    root.setLevel(logging.WARNING)
    yield []
    for log, level, handlers, propagate in before:
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def stream(log):
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.addHandler(handler)
    return text


def say(name="privbench.a"):
    log = logging.getLogger(name)
    log.debug("one")
    log.info("two")
    log.warning("three")


def setups():
    def nothing():
        logging.getLogger().handlers = []  # that of pytest is there again

    def level_of_root():
        logging.getLogger().setLevel(logging.INFO)
        return stream(logging.getLogger())

    def own_handler():
        logging.getLogger("privbench").setLevel(logging.INFO)
        return stream(logging.getLogger("privbench"))

    def both():
        level_of_root()
        return own_handler()

    def no_propagation():
        text = level_of_root()
        logging.getLogger("privbench").propagate = False
        return text

    def level_of_child():
        logging.getLogger("privbench.a").setLevel(logging.DEBUG)
        return own_handler()

    return [nothing, level_of_root, own_handler, both, no_propagation, level_of_child]


@pytest.mark.parametrize("setup", setups(), ids=lambda setup: setup.__name__)
@pytest.mark.parametrize("name", ["privbench.a", "privbench", "plugin"])
def test_what_others_see_stays_the_same(taken, setup, name, capsys):
    text = setup()
    say(name)
    expected = (text.getvalue() if text else "", capsys.readouterr().err)
    tee = Tee(lambda record: taken.append(record.getMessage()))
    tee.attach()
    if text:
        text.seek(0)
        text.truncate()
    say(name)
    tee.detach()
    assert (text.getvalue() if text else "", capsys.readouterr().err) == expected
    assert taken == (["one", "two", "three"] if name != "plugin" else taken[-len(taken) :])
    assert "three" in taken
    say(name)
    assert taken.count("three") == 1
    logging.getLogger("privbench.a").setLevel(logging.NOTSET)


def test_without_any_handler_warnings_go_to_stderr(taken, capsys):
    logging.getLogger().handlers = []  # that of pytest
    tee = Tee(lambda record: None)
    tee.attach()
    say()
    tee.detach()
    assert capsys.readouterr().err == "three\n"


def test_handlers_that_are_added_meanwhile_stay(taken):
    tee = Tee(lambda record: None)
    tee.attach()
    text = stream(logging.getLogger("privbench"))
    say()
    tee.detach()
    assert text.getvalue() == "DEBUG one\nINFO two\nWARNING three\n"
    assert len(logging.getLogger("privbench").handlers) == 1


def test_one_inside_another(taken):
    outer, inner = Tee(lambda r: taken.append("outer")), Tee(lambda r: taken.append("inner"))
    outer.attach()
    inner.attach()
    logging.getLogger("privbench").debug("x")
    inner.detach()
    logging.getLogger("privbench").debug("y")
    outer.detach()
    logging.getLogger("privbench").debug("z")
    assert taken == ["inner", "outer", "outer"]
    assert logging.getLogger("privbench").level == logging.NOTSET


@pytest.mark.parametrize(("level", "shown"), [(logging.INFO, ""), (logging.DEBUG, "ERROR e\n")])
def test_events_are_shown_with_debug_records_only(taken, level, shown):
    logging.getLogger("privbench").setLevel(level)
    text = stream(logging.getLogger("privbench"))
    tee = Tee(lambda record: taken.append(record.getMessage()))
    tee.attach()
    record = logging.LogRecord("privbench.logs", logging.ERROR, "", 0, "e", (), None)
    record.is_event = True
    tee.handle(record)
    tee.detach()
    assert (taken, text.getvalue()) == (["e"], shown)
