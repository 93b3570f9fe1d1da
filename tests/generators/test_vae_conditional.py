"""Autoencoders that read the label: encoder, decoder, stored state, and what they claim."""

import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from privbench.data import Data
from privbench.generators.vae import Vae, posterior

from .problems import MIXED, SMALL, SPECS, assert_same, patterns, records, rng_of

CONDITIONAL = SMALL.model_copy(update={"conditional": True})


@pytest.fixture(scope="module", params=["dense", "convolutional"])
def trained(request):
    vae = CONDITIONAL.model_copy(update={"architecture": request.param})
    data = records(SPECS["image" if request.param == "convolutional" else "mixed"])
    return vae, data, vae.fit(data, rng_of())


def test_the_decoder_reads_the_label(trained):
    _, data, fitted = trained
    codes = rng_of().normal(size=(20, 2)).astype(np.float32)
    zeros, ones = (fitted.decode_labelled(codes, np.full(20, label)) for label in (0, 1))
    assert zeros.shape == data.x.shape
    assert (np.abs(zeros - ones).reshape(20, -1).max(axis=1) > 1e-4).all()
    mixed = fitted.decode_labelled(codes, np.arange(20) % 2)
    np.testing.assert_allclose(mixed[::2], zeros[::2], atol=1e-6)
    np.testing.assert_allclose(mixed[1::2], ones[1::2], atol=1e-6)


def test_the_encoder_reads_the_label(trained):
    _, data, fitted = trained
    codes = fitted.encode(data)
    relabelled = fitted.encode(Data(data.x, (data.y + 1) % 3, data.spec))
    assert codes.shape == (20, 2)
    assert (np.abs(codes - relabelled).max(axis=1) > 1e-4).all()


def test_each_record_is_encoded_with_its_own_label(trained):
    _, data, fitted = trained
    network, order = fitted._network, rng_of().permutation(20)
    np.testing.assert_allclose(
        fitted.encode(data)[order], fitted.encode(data.take(order)), atol=1e-6
    )
    parts, _ = posterior(network, data.x, data.y, batch_size=7)
    np.testing.assert_allclose(parts, fitted.encode(data), atol=1e-6)


def test_a_stored_conditional_vae_is_restored(trained):
    vae, data, fitted = trained
    restored = vae.restore(load(save(fitted.state())), data.spec)
    assert_same(fitted, restored)
    codes = fitted.encode(data)
    np.testing.assert_array_equal(codes, restored.encode(data))
    np.testing.assert_array_equal(
        fitted.decode_labelled(codes, data.y), restored.decode_labelled(codes, data.y)
    )
    np.testing.assert_array_equal(fitted.sample(9, rng_of(1)).x, restored.sample(9, rng_of(1)).x)


def test_the_state_of_a_network_without_labels_is_refused():
    state = SMALL.fit(records(MIXED), rng_of()).state()
    with pytest.raises(ValueError, match="but that of the module has"):
        CONDITIONAL.restore(state, MIXED)


def test_codes_need_not_repeat_what_the_label_says():
    """The label tells the patterns apart, so that the KL term leaves nothing in the codes."""
    params = {"latent_dim": 2, "hidden": 32, "epochs": 60, "batch_size": 20, "lr": 0.005}
    spread = []
    for conditional in (False, True):
        fitted = Vae(**params, conditional=conditional).fit(patterns(), rng_of())
        spread.append(fitted.encode(patterns()).std(axis=0).sum())
    assert spread[1] < 0.3 * spread[0]


@pytest.mark.parametrize(
    ("fitted_on", "release", "covers"),
    [
        ("private", "reconstruct", "features"),
        ("reference", "reconstruct", "features"),
        ("dp-sgd", "reconstruct", None),
        ("private", "sample", None),
        ("reference", "sample", None),
        ("dp-sgd", "sample", "records"),
    ],
)
def test_a_conditional_vae_is_a_defense_that_claims_no_more(
    cli, tmp_path, fitted_on, release, covers
):
    """Its labels pass unaltered, and metric privacy covers the features alone, as without them."""
    noise = '{ name = "metric-privacy", epsilon = 8.0 }' if release == "reconstruct" else ""
    (tmp_path / "benchmarks.toml").write_text(
        f"""
        [defenses.vae]
        mechanisms = [{noise}]
        [defenses.vae.generator]
        name = "vae"
        latent_dim = 2
        epochs = 1
        conditional = true
        fitted_on = "{fitted_on}"
        release = "{release}"

        [benchmarks.small]
        datasets = ["digits"]
        models = [{{ name = "mlp", hidden = [8], epochs = 1 }}]
        defenses = ["vae"]
        attacks = ["gap"]
        knowledge = ["adaptive"]
        population = 2
        pool = 200
        canaries = 0
        """
    )
    result = cli("run", "small", "-c", "benchmarks.toml", "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert (row["guarantee"] or {"covers": None})["covers"] == covers
    if covers == "features":
        assert "labels" in json.dumps(row["guarantee"]["conditions"])
