"""A benchmark with components of a plugin, and executors that compute it in one way or another."""

from __future__ import annotations

import textwrap

import pytest

from privbench.api import make_plans, make_runner
from privbench.config import Overrides
from privbench.plugins.host import PluginHost

PLUGIN = '''
import numpy as np
import privbench
from privbench import hookimpl


class Certainty(privbench.BatchedAttack):
    """Log-probability of the predicted class."""

    name = "certainty"

    def score_all(self, views):
        return views.targets.log_prob_of(views.labels)


class Coarse(privbench.DataMechanism):
    """Rounds the records."""

    name = "coarse"

    def apply(self, data, rng):
        return privbench.Data(data.x.round(1), data.y, data.spec)


class Mean:
    def __init__(self, x, y, k):
        self.means = np.stack([x[y == c].mean(0) for c in range(k)])

    def predict_proba(self, x):
        d = ((x[:, None] - self.means) ** 2).sum(-1)
        p = np.exp(-(d - d.min(1, keepdims=True)))
        return p / p.sum(1, keepdims=True)


class NearestMean(privbench.EstimatorModel):
    """Nearest class mean."""

    name = "nearest-mean"

    def fit(self, x, y, n_classes, rng):
        return Mean(x, y, n_classes)


class Same(privbench.FittedGenerator):
    def encode(self, data):
        return data.x

    def decode(self, codes):
        return codes

    def sample(self, n, rng):
        raise NotImplementedError


class Copy(privbench.Generator):
    """Copies."""

    name = "copy"

    def fit(self, data, rng):
        return Same()


@hookimpl
def register_attacks(register):
    register(Certainty)


@hookimpl
def register_mechanisms(register):
    register(Coarse)


@hookimpl
def register_models(register):
    register(NearestMean)


@hookimpl
def register_generators(register):
    register(Copy)
'''
BENCHMARK = """
[defenses.coarse]
mechanisms = ["coarse"]

[defenses.copy]
generator = "copy"

[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[defenses.dp]
mechanisms = [{{ name = "dp-sgd", noise_multiplier = 1.0 }}]

[benchmarks.b]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 2, batch_size = 16 }}]
defenses = ["none"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 4
canaries = 0
"""


@pytest.fixture
def config(tmp_path, blobs):
    path = tmp_path / "benchmarks.toml"
    path.write_text(BENCHMARK.format(blobs=blobs))
    return path


@pytest.fixture
def write(tmp_path):
    """Write a plugin, in a file of its own."""

    def write(text=PLUGIN, name="mine.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def runner(config, tmp_path):
    """Return the runner of the benchmark with some overrides and a plugin."""

    def runner(*overrides, plugin=None, results="results", **options):
        host = PluginHost([str(plugin)] if plugin else [], installed=False)
        assert host.failures == []
        (plan,) = make_plans(["b"], host, config=config, overrides=Overrides.parse(overrides))
        return make_runner(plan, host, results=tmp_path / results, device="cpu", **options)

    return runner


def numbers(rows):
    """What must be the same, wherever it was computed."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
