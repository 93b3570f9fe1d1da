from __future__ import annotations

import io
import os
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from privbench.datasets.files import FileDataset


class FileServer:
    """Serves ``files`` on loopback and counts the requests."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: Counter[str] = Counter()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests[self.path] += 1
                body = outer.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def stop(self) -> None:
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.stop()


@pytest.fixture
def write_tar():
    """Writes a .tar.gz archive of members, name to bytes."""

    def write(path, members):
        with tarfile.open(path, "w:gz") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return path

    return write


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """An empty data folder, which PRIVBENCH_DATA_DIR names, and an empty cache folder."""
    data, cache = tmp_path / "data", tmp_path / "cache"
    data.mkdir()
    monkeypatch.setenv("PRIVBENCH_DATA_DIR", str(data))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: cache / name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)  # between retries
    return data, cache / "privbench" / "data"


@pytest.fixture(scope="session")
def real():
    """Loads a dataset from its real files, if PRIVBENCH_DATA_DIR has them; never downloads."""

    def load(dataset: FileDataset):
        if "PRIVBENCH_DATA_DIR" not in os.environ:
            pytest.skip("PRIVBENCH_DATA_DIR is not set")
        if missing := dataset.missing():
            pytest.skip(missing)
        return dataset.load()

    return load
