"""Small VAEs, records of each kind of data, and records whose structure is known."""

from __future__ import annotations

import numpy as np
import torch

from privbench.data import Column, Data, DataSpec
from privbench.generators.vae import Vae
from privbench.generators.vae_network import VaeNetwork

BINARY = DataSpec("binary", (6,), 3)
IMAGE = DataSpec("image", (2, 2, 3), 3)
MIXED = DataSpec(
    "tabular",
    (8,),
    3,
    (
        Column("age", "numeric", (0, 1)),
        Column("colour", "categorical", (1, 4), ("blue", "green", "red")),
        Column("height", "numeric", (4, 5)),
        Column("constant", "categorical", (5, 6), ("only",)),
        Column("sex", "categorical", (6, 8), ("f", "m")),
    ),
)
NUMERIC = DataSpec("tabular", (4,), 3)
SPECS = {"binary": BINARY, "image": IMAGE, "mixed": MIXED, "numeric": NUMERIC}

# 16 bits in 4 patterns, one a class; the third class has no records.
PATTERNS = np.repeat(np.array([[0, 1], [1, 0], [1, 1], [0, 0]], dtype=np.float32), 8, axis=1)
FREQUENCY = np.array([0.5, 0.3, 0.0, 0.2])
ENTROPY = -sum(share * np.log(share) for share in FREQUENCY if share)  # nats a record
PATTERN_SPEC = DataSpec("binary", (16,), 4)

SMALL = Vae(latent_dim=2, hidden=8, epochs=3, batch_size=8, lr=0.01)
LEARNS = Vae(latent_dim=2, hidden=32, epochs=60, batch_size=20, lr=0.005)


def records(spec, n=20, seed=0):
    """Random records that are valid for ``spec``, with labels that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal if spec.kind == "tabular" else rng.random
    x = draw((n, *spec.shape))
    if spec.kind == "binary":
        x = x.round()
    for column in spec.columns:
        first, end = column.features
        if column.type == "categorical":
            x[:, first:end] = np.eye(end - first)[rng.integers(0, end - first, n)]
    return Data(x.astype(np.float32), rng.integers(0, spec.n_classes, n), spec)


def patterns(n=200):
    """``n`` records, each the pattern of its class."""
    y = np.repeat(np.arange(4), (n * FREQUENCY).round().astype(int))
    return Data(PATTERNS[y], y, PATTERN_SPEC)


def surface(n=300, seed=0):
    """Images of 8x8 pixels on a two-dimensional surface; another seed is other points on it."""
    project = 3 * np.random.default_rng(7).normal(size=(2, 64))
    position = np.random.default_rng(seed).normal(size=(n, 2))
    x = 1 / (1 + np.exp(-position @ project))
    spec = DataSpec("image", (1, 8, 8), 1)
    return Data(x.reshape(n, 1, 8, 8).astype(np.float32), np.zeros(n, dtype=np.int64), spec)


def rng_of(seed=0):
    return np.random.default_rng(seed)


def no_progress(done, total):
    pass


def fit_all(vae, sets, seeds, device="cpu", progress=no_progress):
    return vae.fit_population(sets, [rng_of(seed) for seed in seeds], device, progress)


def network_of(vae, fitted, spec):
    """The network behind ``fitted``, from its stored state."""
    network = VaeNetwork(spec, vae.latent_dim, vae.hidden)
    weights = {k.removeprefix("network."): v for k, v in fitted.state().items() if "." in k}
    network.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    return network


def assert_same(left, right, atol=0.0):
    left, right = left.state(), right.state()
    assert left.keys() == right.keys()
    for name, array in left.items():
        np.testing.assert_allclose(array, right[name], atol=atol, rtol=0, err_msg=name)


def differ(left, right):
    return any(
        not np.array_equal(array, right.state()[name]) for name, array in left.state().items()
    )
