"""Every built-in component passes the suite; what it is excused from is stated here, with the reason.

``SLOW`` ones are for slow tests, so that all others take half a minute of a processor.
"""

import numpy as np
import pytest
from PIL import Image

from privbench.components import KINDS
from privbench.plugins.host import PluginHost
from privbench.testing.running import run_checks
from privbench.testing.subject import Subject

HOST = PluginHost(installed=False)
EVERY = [(kind, entry.name) for kind in KINDS for entry in HOST.registry(kind)]
SLOW = {
    *("adversarial-regularization", "auto", "dp-sgd", "gradient", "logan", "memguard", "mmd"),
    *("processes", "resnet9", "selena", "cnn", "distillation", "ml-leaks", "quantile"),
    *("shadow-density", "shokri", "vae", "data-free-distillation", "mist", "oslo"),
}
OF_OTHERS = {"adult", "cifar10", "fashion-mnist", "location30", "mnist"}
"""Datasets whose files the suite does not download, and whose size makes it slow where they are."""
PARAMS = {
    "csv": {"label": "y"},
    "data-free-distillation": {"steps": 40, "batch_size": 16, "latent_dim": 4, "hidden": 8},
    "dp-sgd": {"epsilon": 4.0},
    "gaussian": {"sigma": 1.0, "radius": 2.0},
    "label-only": {"copies": 4},
    "logan": {"epochs": 15},
    "memguard": {"epochs": 40, "steps": 10},
    "metric-privacy": {"epsilon": 2.0},
    "quantile": {"trees": 10, "leaf": 5},
    "randomized-response": {"epsilon": 1.0},
    "relaxloss": {"alpha": 1.2},
    "resnet9": {"width": 4, "epochs": 8},
    "vae": {"latent_dim": 2, "hidden": 8, "epochs": 3},
}
"""Values that parameters without a default need, or that make a component fast, by name."""
OF_FILES = "the files here have none; tests/datasets/test_user_files.py has others"
INERT = {
    "csv": dict.fromkeys(("decimal", "day_first", "missing", "duplicates"), OF_FILES),
    "early-stopping": {"patience": "no loss rises within four epochs; see test_early_stopping.py"},
    "images": {"duplicates": OF_FILES},
    "npz": dict.fromkeys(("missing", "duplicates"), OF_FILES),
}
EXPECTED = {
    "auto": {
        "all_targets_are_as_one_after_another": (
            "it rehearses on the shadows of a group of targets, which are fewer than those of one"
        )
    },
    "oslo": {
        "all_targets_are_as_one_after_another": (
            "targets of a group share the perturbed records, which are made by fewer shadows"
        )
    },
}


def is_label_only_output(kind, name):
    return (kind, name) == ("mechanism", "label-only")  # which shares its name with an attack


@pytest.fixture
def files(tmp_path):
    """Parameters of the datasets that read a user's files."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(60, 3)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    lines = [
        f"{a:.3f},{b:.3f},{'no' if label else 'yes'}" for (a, b, _), label in zip(x, y, strict=True)
    ]
    (tmp_path / "data.csv").write_text("\n".join(["a,b,y", *lines]))
    for number, label in enumerate(y):
        folder = tmp_path / "images" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return {
        "npz": {"path": str(tmp_path / "data.npz")},
        "csv": {"path": str(tmp_path / "data.csv")},
        "images": {"path": str(tmp_path / "images")},
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(
            *one, marks=pytest.mark.slow if one[1] in SLOW | OF_OTHERS else (), id=" ".join(one)
        )
        for one in EVERY
    ],
)
def test_it_conforms(kind, name, files):
    shared = {} if is_label_only_output(kind, name) else PARAMS.get(name, {})
    cls = HOST.registry(kind).get(name, "here").cls
    subject = Subject(cls, {**shared, **files.get(name, {})}, INERT.get(name, {}))
    found = list(run_checks(subject, EXPECTED.get(name, {})))
    assert [str(one) for one in found if not one.passed] == []
    if name not in OF_OTHERS:
        assert {one.check: one.outcome for one in found}["runs"] == "passed"


def test_nothing_is_excused_that_is_not_there():
    names = {name for _, name in EVERY}
    for excused in (SLOW, OF_OTHERS, PARAMS, INERT, EXPECTED):
        assert set(excused) <= names
