"""Fixtures that many tests share: a small benchmark that runs in a second, and the command line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from privbench.cli import build_cli
from privbench.plugins import PluginHost


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


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    """Handlers that a test adds to privbench's log end with it."""
    log = logging.getLogger("privbench")
    before = list(log.handlers)
    yield
    log.handlers = before
