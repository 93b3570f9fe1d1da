import json
import threading

import pytest

from privbench.logs.file import LogFile
from privbench.logs.reading import Filter, follow_log, read_log


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr("privbench.logs.reading.POLL", 0.001)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(), True),
        (Filter("info"), True),
        (Filter("warning"), False),
        (Filter(stage="DP-sgd"), True),
        (Filter(stage="vae"), False),
        (Filter("error", "dp-sgd"), False),
    ],
)
def test_what_is_shown(chosen, expected):
    assert chosen({"level": "info", "stage": "scores lira on digits/dp-sgd/mlp"}) is expected


def test_records_of_no_stage():
    assert Filter()({"level": "info"})
    assert not Filter(stage="a")({"level": "info"})
    assert Filter()({"level": 3}), "of an unknown level, which may matter"


def test_lines_that_are_no_records_are_left_out(tmp_path):
    path = tmp_path / "1.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": \n[1]\n\xff\xfe\n\n' + b"[" * 10**5 + b'\n{"n": 2}\n{"n"')
    assert [values["n"] for values in read_log(path)] == [1, 2]


def test_lines_that_come_later_are_followed_until_the_run_has_ended(tmp_path):
    path = tmp_path / "1.jsonl"
    path.write_text('{"n": 0}\n{"n": ')
    looks = 0

    def goes_on():
        nonlocal looks
        looks += 1
        with path.open("a") as file:
            if looks == 2:
                file.write('1}\n{"n": 2}\n')
            if looks == 3:  # between the end of the run and the last look
                file.write('{"n": 3}\n')
        return looks < 3

    assert [values["n"] for values in follow_log(path, goes_on)] == [0, 1, 2, 3]


def test_a_file_that_is_shortened_meanwhile_is_followed(tmp_path):
    file = LogFile(tmp_path / "1.jsonl", limit=10_000)
    done = threading.Event()
    found = []

    def follow():
        for values in follow_log(file.path, lambda: not done.is_set()):
            found.append(values)
            has_read.set()

    has_read = threading.Event()
    thread = threading.Thread(target=follow)
    file.write({"n": -1})
    thread.start()
    for n in range(300):
        has_read.clear()
        file.write({"n": n, "message": "x" * 50})
        assert has_read.wait(10)
    done.set()
    thread.join()
    assert [values["n"] for values in found if "n" in values] == [*range(-1, 300)]


def test_a_log_that_is_deleted_ends(tmp_path):
    path = tmp_path / "1.jsonl"
    path.write_text(json.dumps({"n": 0}))
    path.write_text('{"n": 0}\n')
    for values in follow_log(path, lambda: True):
        assert values == {"n": 0}
        path.unlink()
