"""Messages of workers, which the main process reads without ever waiting for the rest of one."""

import io
import os
import socket
import threading

import pytest

from privbench.executors.workers import messages
from privbench.executors.workers.messages import (
    AT_ONCE,
    HEAD,
    LARGEST,
    PROGRESS,
    RESULT,
    Inbox,
    NoMessage,
    receive,
    send,
)
from privbench.storage import scratch


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_the_rest_of_a_message_is_not_waited_for(ends, tmp_path):
    ours, theirs = ends
    inbox = Inbox(ours, tmp_path)
    assert inbox.read() is None
    head = HEAD.pack(RESULT, 5)
    for part in (head[:4], head[4:], b"hel"):
        theirs.sendall(part)
        assert inbox.read() is None
    theirs.sendall(b"lo" + HEAD.pack(PROGRESS, 16) + bytes(16) + HEAD.pack(RESULT, 0))
    assert inbox.read() == (RESULT, b"hello")
    assert inbox.read() == (PROGRESS, bytes(16))
    assert inbox.read() == (RESULT, b"")
    assert inbox.read() is None


@pytest.mark.parametrize("size", [3, scratch.LARGE, AT_ONCE + scratch.LARGE + 1])
@pytest.mark.parametrize("has_folder", [True, False])
def test_messages_of_all_sizes_arrive(ends, tmp_path, size, has_folder):
    ours, theirs = ends
    content = os.urandom(size)
    sender = threading.Thread(target=send, args=(theirs, RESULT, content[:1], content[1:]))
    sender.start()
    inbox, message = Inbox(ours, tmp_path if has_folder else None), None
    while message is None:
        message = inbox.read()
    sender.join()
    kind, received = message
    assert kind == RESULT
    assert received[:] == content
    in_file = has_folder and size >= scratch.LARGE and scratch.MAPS
    assert isinstance(received, scratch.MappedFile) == in_file
    assert os.listdir(tmp_path) == []


def test_a_file_that_takes_a_part_of_a_block_gets_the_rest(ends, tmp_path, monkeypatch):
    class Nearly(io.FileIO):
        def write(self, content):
            return super().write(content[: len(content) // 2 + 1])

    def nearly_full(dir, buffering):
        return Nearly(dir / "file", "w+")

    monkeypatch.setattr(messages.tempfile, "TemporaryFile", nearly_full)
    ours, theirs = ends
    content = os.urandom(scratch.LARGE)
    sender = threading.Thread(target=send, args=(theirs, RESULT, content))
    sender.start()
    inbox, message = Inbox(ours, tmp_path), None
    while message is None:
        message = inbox.read()
    sender.join()
    assert message[1][:] == content


@pytest.mark.parametrize(
    "head", [HEAD.pack(b"x", 1), HEAD.pack(RESULT, LARGEST + 1), HEAD.pack(PROGRESS, 17)]
)
def test_what_is_no_message_is_refused(ends, head):
    ours, theirs = ends
    theirs.sendall(head)
    with pytest.raises(NoMessage):
        Inbox(ours, None).read()


def test_a_size_that_is_announced_takes_no_memory_and_no_disk(ends, tmp_path):
    ours, theirs = ends
    theirs.sendall(HEAD.pack(RESULT, LARGEST) + b"x")
    inbox = Inbox(ours, tmp_path)
    assert inbox.read() is None
    theirs.close()
    with pytest.raises(EOFError):
        inbox.read()
    inbox.close()


def test_a_worker_waits_for_its_task(ends):
    ours, theirs = ends
    send(theirs, b"t", b"ab", b"c")
    ours.setblocking(True)
    assert receive(ours) == (b"t", b"abc")
    theirs.close()
    with pytest.raises(EOFError):
        receive(ours)
