import hashlib
import threading

import pytest

from privbench.datasets.download import WAITS, Interrupted, download, root_cause

BODY = bytes(range(256)) * 1000
SHA256 = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
MD5 = f"md5:{hashlib.md5(BODY).hexdigest()}"


def send(handler, body=BODY, status=200, announced=None, **headers):
    """Answer a request; ``announced`` is another length than the body has."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if announced is None else announced))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def broken_off(handler):
    send(handler, BODY[:1000], announced=len(BODY))


def rest(handler):
    start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    content_range = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
    send(handler, BODY[start:], 206, Content_Range=content_range)


def status(code):
    return lambda handler: send(handler, b"", code)


def redirect(place):
    return lambda handler: send(handler, b"", 302, Location=place)


@pytest.fixture
def fetch(server, tmp_path, folders):
    """Downloads /a.gz from a server that gives the answers, and keeps what it waits for."""

    def fetch(*answers, checksum=SHA256, folder=tmp_path / "new" / "folder", **options):
        server.answers["/a.gz"] = list(answers)
        fetch.waits = []
        return download(f"{server.url}/a.gz", checksum, folder, wait=fetch.waits.append, **options)

    return fetch


@pytest.mark.parametrize("checksum", [SHA256, MD5])
@pytest.mark.usefixtures("folders")
def test_download_goes_into_the_folder(server, tmp_path, checksum):
    server.files["/v1/a.gz"] = BODY
    path = download(f"{server.url}/v1/a.gz", checksum, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "a.gz"
    assert path.read_bytes() == BODY
    assert [path] == list(path.parent.iterdir())


def test_a_wrong_checksum_is_refused_and_the_file_kept_aside(fetch, server, tmp_path):
    folder = tmp_path / "new" / "folder"
    with pytest.raises(ValueError, match=r"does not match the known hash.*a\.gz\.refused"):
        fetch(lambda handler: send(handler, BODY + b"!"))
    assert [path.name for path in folder.iterdir()] == ["a.gz.refused"]
    assert server.requests["/a.gz"] == 1
    assert fetch(send).read_bytes() == BODY  # and is no obstacle


def test_what_is_broken_off_goes_on_where_it_stopped(fetch, server):
    assert fetch(broken_off, rest).read_bytes() == BODY
    assert [headers.get("Range") for headers in server.headers] == [None, "bytes=1000-"]
    assert fetch.waits == [0.0]


def test_the_next_call_goes_on_as_well(fetch, server, tmp_path):
    with pytest.raises(Interrupted, match="500"):
        fetch(broken_off, status(503), status(500), status(502))
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["a.gz.part"]
    assert fetch(rest).read_bytes() == BODY
    assert server.headers[-1]["Range"] == "bytes=1000-"


@pytest.mark.parametrize(
    "answer", [send, lambda h: send(h, BODY[5:], 206, Content_Range="bytes 5-/9")]
)
def test_servers_that_send_another_part(fetch, tmp_path, answer):
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "a.gz.part").write_bytes(BODY[:1000])
    if answer is send:  # the whole file again
        assert fetch(answer, folder=folder).read_bytes() == BODY
    else:
        with pytest.raises(OSError, match="another part"):
            fetch(answer, folder=folder)


@pytest.mark.parametrize("there", [b"something else", BODY + b"too long", BODY])
def test_parts_that_are_of_another_file_or_whole(fetch, server, tmp_path, there):
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "a.gz.part").write_bytes(there)
    first = rest if len(there) < len(BODY) else status(416)
    assert fetch(first, send, folder=folder).read_bytes() == BODY
    assert server.requests["/a.gz"] == (0 if there == BODY else 2)


def test_server_errors_are_retried_with_longer_and_longer_waits(fetch, monkeypatch):
    monkeypatch.setattr("privbench.datasets.download.WAITS", WAITS)
    assert fetch(status(500), status(503), status(429), send).read_bytes() == BODY
    assert fetch.waits == sorted(WAITS) == list(WAITS)


@pytest.mark.parametrize("code", [403, 404, 410])
def test_other_answers_are_not_retried_and_leave_what_was_there(fetch, tmp_path, code):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "b.gz").write_bytes(BODY)
    with pytest.raises(OSError, match=str(code)):
        fetch(status(code), folder=tmp_path / "old")
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["b.gz"]
    with pytest.raises(OSError, match=str(code)):
        fetch(status(code))
    assert not (tmp_path / "new").exists()
    assert fetch.waits == []


def test_redirects(fetch, server, tmp_path):
    server.files["/b.gz"] = BODY
    assert fetch(redirect("/b.gz")).read_bytes() == BODY
    secret = tmp_path / "secret"
    secret.write_bytes(BODY)
    for place in (f"file://{secret}", "ftp://127.0.0.1/a", "data:,x", "/a.gz"):
        with pytest.raises(OSError, match=r"(?i)adapter|redirect|URL"):
            fetch(redirect(place), folder=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_more_than_was_announced_is_not_read(fetch):
    assert (
        fetch(lambda handler: send(handler, BODY + b"more", announced=len(BODY))).read_bytes()
        == BODY
    )


@pytest.mark.parametrize("announces", [True, False])
def test_files_that_are_too_large(fetch, announces):
    def endless(handler):
        handler.send_response(200)
        if announces:
            handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        handler.wfile.write(BODY)

    with pytest.raises(ValueError, match=r"1000000000000 bytes|more than 2000 bytes"):
        fetch(endless, max_bytes=2000)


def test_no_space(fetch, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 5}))
    with pytest.raises(OSError, match=f"{len(BODY)} bytes, but .* has room for 5"):
        fetch(send)


def test_slow_servers(fetch):
    seconds = iter(range(0, 10**6, 100))
    with pytest.raises(Interrupted, match="bytes in 100 seconds"):
        fetch(lambda handler: send(handler, b"x" * 10, announced=20), clock=lambda: next(seconds))


def test_a_server_that_says_nothing(fetch, monkeypatch):
    monkeypatch.setattr("privbench.datasets.download.TIMEOUT", (0.05, 0.05))
    ready = threading.Event()
    try:
        with pytest.raises(Interrupted, match="timed out"):
            fetch(lambda handler: ready.wait(5))
    finally:
        ready.set()


def test_several_at_once_are_one_download(fetch, server):
    def slow(handler):
        both.wait(0.2)
        send(handler)

    both, found = threading.Event(), []
    threads = [threading.Thread(target=lambda: found.append(fetch(slow))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.read_bytes() for path in found} == {BODY}
    assert len(found) == 3
    assert server.requests["/a.gz"] == 1
    assert list(found[0].parent.iterdir()) == [found[0]]


def test_proxies_of_the_environment(server, tmp_path, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    server.files["http://data.invalid/a.gz"] = BODY
    assert download("http://data.invalid/a.gz", SHA256, tmp_path).read_bytes() == BODY


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("terminal", [True, False])
def test_progress_goes_to_a_terminal_only(server, tmp_path, monkeypatch, capsys, terminal):
    server.files["/a.gz"] = BODY
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    download(f"{server.url}/a.gz", SHA256, tmp_path)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("100%" in captured.err) == terminal


def test_the_root_cause_is_the_innermost():
    outer = OSError("max retries exceeded with url: ...")
    outer.__cause__ = ValueError("while connecting")
    outer.__cause__.__context__ = ConnectionRefusedError(111, "Connection refused")
    assert root_cause(outer) == "[Errno 111] Connection refused"
    assert root_cause(TimeoutError()) == "TimeoutError"
