import errno
import json
import logging
import os

import pytest

from privbench.logs.file import LogFile

MESSAGE = {"message": "x" * 80}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_are_appended_at_once(tmp_path):
    file = LogFile(tmp_path / "logs" / "1.jsonl")
    file.write({"message": "é\x1b\n"})
    file.write({"n": 2})
    assert lines(file.path) == [{"message": "é\x1b\n"}, {"n": 2}]
    assert "\x1b" not in file.path.read_text()
    file.close()
    file.write({"n": 3})  # a thread that logs later
    assert len(lines(file.path)) == 2


def test_an_old_file_or_link_in_its_place_is_replaced(tmp_path):
    other = tmp_path / "other"
    other.write_text("mine\n")
    path = tmp_path / "1.jsonl"
    path.symlink_to(other)
    LogFile(path).write({"n": 1})
    assert lines(path) == [{"n": 1}]
    assert other.read_text() == "mine\n"


def test_the_size_is_bounded_and_both_ends_stay(tmp_path):
    file = LogFile(tmp_path / "1.jsonl", limit=20_000)
    for n in range(2000):
        file.write({"n": n} | MESSAGE)
        assert file.path.stat().st_size <= 20_200
    found = lines(file.path)
    assert (found[0]["n"], found[-1]["n"]) == (0, 1999)
    notes = [values for values in found if "left out" in values["message"]]
    n_left_out = sum(int(values["message"].split()[0].replace(",", "")) for values in notes)
    assert len(notes) == 1
    assert n_left_out + len(found) - 1 == 2000
    assert list(tmp_path.iterdir()) == [file.path]


@pytest.mark.parametrize("damage", ["a file", "read-only", "a folder"])
def test_where_no_file_can_be_made_a_warning_says_so_once(tmp_path, caplog, damage, monkeypatch):
    path = tmp_path / "logs" / "1.jsonl"
    if damage == "a file":
        path.parent.write_text("")
    elif damage == "a folder":
        path.mkdir(parents=True)
    else:

        def refuse(*_):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("privbench.logs.file.os.open", refuse)
    file = LogFile(path)
    file.write(MESSAGE)
    file.write(MESSAGE)
    file.close()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "the log is not written" in record.getMessage()


def test_a_full_disk_leaves_whole_lines(tmp_path, caplog, monkeypatch):
    file = LogFile(tmp_path / "1.jsonl")
    write, room = os.write, [40]

    def full(fd, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = write(fd, data[: room[0]])
        room[0] -= n
        return n

    monkeypatch.setattr("privbench.logs.file.os.write", full)
    for n in range(5):
        file.write({"n": n, "message": "0123456789"})
    room[0] = 1000  # somebody made room
    file.write({"n": 5})
    first, cut, last = file.path.read_text().splitlines()
    assert (json.loads(first)["n"], json.loads(last)["n"]) == (0, 5)
    assert cut == '{"n": '
    assert [record.getMessage().count("No space left") for record in caplog.records] == [1]


def test_a_file_that_cannot_be_shortened_is_closed(tmp_path, caplog):
    file = LogFile(tmp_path / "1.jsonl", limit=1000)
    file.path.unlink()  # with its folder, perhaps
    for _ in range(20):
        file.write(MESSAGE)
    assert len(caplog.records) == 1
    assert not file.path.exists()
