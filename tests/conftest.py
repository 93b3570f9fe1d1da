"""Fixtures that many tests share: a small benchmark, the command line, a file server on loopback."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from frozen_outputs import frozen as frozen

from privbench.cli import build_cli
from privbench.plugins.host import PluginHost

# Before torch is imported: two threads inside an operation wait for each other, and where tests run side
# by side each would wait for one that was put aside (docs/performance.md). Tests of workers ask for two.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests of plugins look at what these have seen, in their modules. Those of workers unset it.
os.environ.setdefault("PRIVBENCH_IN_PROCESS", "1")


@pytest.fixture
def host() -> PluginHost:
    """The built-ins, without what happens to be installed."""
    return PluginHost(installed=False)


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """An .npz file: 160 records of two overlapping classes, on which a small network overfits."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = rng.normal(size=(160, 8)).astype(np.float32) + 0.5 * y[:, None]
    path = tmp_path / "blobs.npz"
    np.savez(path, x=x.astype(np.float32), y=y.astype(np.int64))
    return path


@pytest.fixture
def config(tmp_path: Path, blobs: Path) -> Path:
    """A benchmarks.toml with the benchmark ``small``."""
    path = tmp_path / "benchmarks.toml"
    path.write_text(SMALL.format(blobs=blobs))
    return path


SMALL = """
[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[defenses.vae]
generator = {{ name = "vae", latent_dim = 2, hidden = 8, epochs = 2 }}

[defenses.vae-metric]
generator = {{ name = "vae", latent_dim = 2, hidden = 8, epochs = 2 }}
mechanisms = [{{ name = "metric-privacy", epsilon = 8.0 }}]

[benchmarks.small]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 10, batch_size = 16 }}]
defenses = ["none", "noisy"]
attacks = ["loss", {{ name = "lira", variance = "global" }}]
population = 4
canaries = 0.1
"""


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Call ``cli("run", "small")`` in an empty folder, as a user would type it."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Result:
        group = build_cli(PluginHost(installed=False))
        return CliRunner().invoke(group, [str(argument) for argument in arguments])

    return call


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
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An empty data folder, which PRIVBENCH_DATA_DIR names, and an empty cache folder."""
    data, cache = tmp_path / "data", tmp_path / "cache"
    data.mkdir()
    monkeypatch.setenv("PRIVBENCH_DATA_DIR", str(data))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: cache / name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)  # between retries
    return data, cache / "privbench" / "data"


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    """Handlers that a test adds to privbench's log end with it."""
    log = logging.getLogger("privbench")
    before = list(log.handlers)
    yield
    log.handlers = before


@pytest.fixture
def arrays() -> Callable[..., dict[str, np.ndarray]]:
    """Make predictions as a file has them; models are surer of records they were trained on."""

    def make(
        n_models: int = 6, n: int = 200, k: int = 4, signal: float = 3.0, references: int = 80,
        seed: int = 0, pool: int = 0,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        rng = np.random.default_rng([seed, n_models])
        common = np.random.default_rng(pool)  # what models share: the records
        labels = common.integers(0, k, n)
        hardness = 2 * common.normal(size=n)
        known = common.integers(0, k, references)
        member = rng.random((n_models, n)) < 0.5
        logits = rng.normal(size=(n_models, n, k))
        logits[:, np.arange(n), labels] += hardness + 1 + signal * member
        reference = rng.normal(size=(n_models, references, k))
        reference[:, np.arange(references), known] += 1 + 2 * common.normal(size=references)
        return {
            "logits": logits.astype(np.float32),
            "labels": labels,
            "member": member,
            "reference_logits": reference.astype(np.float32),
            "reference_labels": known,
        }

    return make
