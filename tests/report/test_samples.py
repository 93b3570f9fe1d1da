"""The picture of what generators make of images."""

import numpy as np
import pytest

from privbench.api import make_plans
from privbench.errors import BadInput
from privbench.report.samples import ORIGINAL, images_of, plot_samples
from privbench.storage.artifacts import Store

CONFIG = """
[defenses.vae]
generator = { name = "vae", latent_dim = 2, hidden = 8, epochs = 2 }

[defenses.vae-metric]
generator = { name = "vae", latent_dim = 2, hidden = 8, epochs = 2 }
mechanisms = [{ name = "metric-privacy", epsilon = 1.0 }, { name = "output-noise", scale = 0.1 }]

[benchmarks.images]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [8], epochs = 1 }]
defenses = ["none", { name = "vae-metric", epsilon = [4.0, 1.0] }, "vae"]
attacks = ["loss"]
population = 2
pool = 100
canaries = 0
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "benchmarks.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def ran(cli, path):
    result = cli("run", "images", "-c", path)
    assert result.exit_code == 0, result.output


def test_original_decoded_without_noise_and_with_it(host, cli, ran, path, tmp_path):
    (plan,) = make_plans(["images"], host, config=str(path))
    store = Store(tmp_path / "results")
    found = images_of(plan, plan.trials, store, 5)
    quiet = "vae of vae-metric[epsilon=4], no noise"
    assert list(found) == [ORIGINAL, quiet, "vae-metric[epsilon=4]", "vae-metric[epsilon=1]", "vae"]
    setting = plan.trials[0].metrics[0].setting.draw(plan.data.get)
    assert (found[ORIGINAL] == setting.train_set(0).x[:5]).all()
    assert (found[quiet] == found["vae"]).all()  # the same fit
    distance = [np.abs(found[name] - found[quiet]).mean() for name in list(found)[2:4]]
    assert 0 < distance[0] < distance[1]
    plot_samples(found, tmp_path / "a.png", "images")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_from_the_command_line(cli, ran, path, tmp_path):
    result = cli(
        "plot", "samples", "images", "-c", path, "-k", "vae-metric", "-n", "3", "-o", "a.png"
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.png").exists()


DIMMED = """
import privbench


class Fitted(privbench.FittedGenerator):
    def __init__(self, spec):
        self.spec = spec

    def encode(self, data):
        return data.x.reshape(len(data.x), -1) / 2

    def decode(self, codes):
        return codes.reshape(-1, *self.spec.shape)

    def sample(self, n, rng):
        raise NotImplementedError


class Dimmed(privbench.Generator):
    name = "dimmed"

    def fit(self, data, rng):
        return Fitted(data.spec)


@privbench.hookimpl
def register_generators(register):
    register(Dimmed)
"""


def test_a_generator_whose_fit_is_not_stored(cli, path, tmp_path):
    (tmp_path / "dimmed.py").write_text(DIMMED)
    path.write_text("[defenses.dimmed]\ngenerator = 'dimmed'\n" + CONFIG)
    options = ("images", "-c", path, "-p", tmp_path / "dimmed.py", "--set", 'defenses=["dimmed"]')
    assert cli("run", *options).exit_code == 0
    result = cli("plot", "samples", *options, "-o", "a.png")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.png").exists()


def test_where_there_is_nothing_to_see(host, path, tmp_path):
    store = Store(tmp_path / "results")
    (plan,) = make_plans(["images"], host, config=str(path))
    with pytest.raises(BadInput, match="is not stored; run `privbench run images` first"):
        images_of(plan, plan.trials, store, 5)
    with pytest.raises(BadInput, match="no selected trial has a generator"):
        images_of(plan, plan.trials[:1], store, 5)


def test_records_that_are_no_images(cli, config):
    result = cli(
        "plot", "samples", "small", "-c", config, "--set", 'defenses=["vae"]', "-o", "a.png"
    )
    assert result.exit_code == 2
    assert "only images can be drawn, and this is tabular data" in result.stderr
