"""A small submission, and all of its trials computed again, once for all tests."""

import copy
import json

import numpy as np
import pytest

from privbench.api import make_plans, run_plan
from privbench.leaderboard.submissions.rerun import rerun
from privbench.leaderboard.submissions.submission import About, content_digest, export_submission
from privbench.plugins.host import PluginHost

SMALL = """
[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[benchmarks.small]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [8], epochs = 3, batch_size = 32 }}]
defenses = ["none", "noisy"]
attacks = [{{ name = "lira", variance = "global" }}]
population = 4
canaries = 0.1
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with ``benchmarks.toml``, ``results`` of the benchmark and the submission ``a.json``."""
    folder = tmp_path_factory.mktemp("submission")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = rng.normal(size=(160, 8)) + 0.5 * y[:, None]
    np.savez(folder / "blobs.npz", x=x.astype(np.float32), y=y.astype(np.int64))
    (folder / "benchmarks.toml").write_text(SMALL.format(blobs=folder / "blobs.npz"))
    host = PluginHost(installed=False)
    (plan,) = make_plans(["small"], host, config=folder / "benchmarks.toml")
    run_plan(plan, host, results=folder / "results", device="cpu")
    text = export_submission(
        "small", "noisy", host, results=folder / "results", about=About("noisy")
    )
    (folder / "a.json").write_text(text)
    return folder


@pytest.fixture(scope="session")
def computed(folder):
    """The submission computed again as a whole, with a secret seed."""
    content = json.loads((folder / "a.json").read_text())
    host = PluginHost(installed=False)
    with pytest.MonkeyPatch.context() as patch:  # a secret seed may refuse an honest submission
        patch.setattr("os.urandom", lambda n: bytes(n - 1) + b"\x07")
        return rerun(content, host, share=1.0, seeds=1, device="cpu")


@pytest.fixture
def content(folder):
    """The content of the submission, which a test may change."""
    return json.loads((folder / "a.json").read_text())


@pytest.fixture
def sign():
    """Return a content with its digest computed again, as whoever changes it would do."""

    def signed(content):
        content = copy.deepcopy(content)
        content["submission"]["digest"] = content_digest(content)
        return content

    return signed
