"""One set of frozen outputs, which all tests share and none changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from privbench.cli import build_cli
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:  # conftest.py imports this file, and most tests need none of it
    from privbench.leaderboard.frozen.folder import FrozenOutputs

BENCHMARK = """
[defenses.soft]
mechanisms = [{{ name = "temperature", temperature = 2.0 }}]

[benchmarks.small]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 6, batch_size = 16 }}]
defenses = ["none", "soft"]
attacks = ["loss"]
population = 8
canaries = 0.1
"""


@dataclass(frozen=True)
class FrozenFolders:
    """A public and a secret folder, and the file of the benchmark."""

    public: Path
    secret: Path
    config: Path

    @property
    def outputs(self) -> FrozenOutputs:
        from privbench.leaderboard.frozen.folder import FrozenOutputs

        return FrozenOutputs.read(self.public)

    @property
    def membership(self) -> dict[str, np.ndarray]:
        from privbench.leaderboard.frozen.secret import read_membership

        return read_membership(self.secret, self.outputs.commitment)

    def scores(self, path: Path, **changes: np.ndarray) -> Path:
        """A file of scores that are the membership, but for changes; without those that are None."""
        arrays = {name: member.astype(float) for name, member in self.membership.items()} | changes
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
        return path


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> FrozenFolders:
    root = tmp_path_factory.mktemp("frozen")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = (rng.normal(size=(160, 8)) + 0.5 * y[:, None]).astype(np.float32)
    np.savez(root / "blobs.npz", x=x, y=y)
    config = root / "benchmarks.toml"
    config.write_text(BENCHMARK.format(blobs=root / "blobs.npz"))
    public, secret = root / "public", root / "public-secret"
    secret.mkdir()
    (secret / "seed").write_text("5eed" * 16)  # what `freeze` draws otherwise: tests are repeatable
    group = build_cli(PluginHost(installed=False))
    arguments = ["leaderboard", "freeze", "small", "-c", config, "-o", public, "--device", "cpu",
                 "--baseline", "lira", "--baseline", "loss"]  # fmt: skip
    result = CliRunner().invoke(group, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return FrozenFolders(public, secret, config)
