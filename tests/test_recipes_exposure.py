"""The choice of a recipe at equal exposure."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from privbench.attacks.outputs import Outputs
from privbench.config import find_file, read_file, resolve
from privbench.data import Data, DataSpec
from privbench.membership import Setting
from privbench.plugins.host import PluginHost

FOLDER = Path(__file__).parents[1] / "recipes"


@pytest.fixture(scope="module")
def search():
    spec = importlib.util.spec_from_file_location("recipe_search", FOLDER / "search.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # for its dataclasses
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def setting(n=200, models=8, n_reference=300):
    def data(size, seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(size, 4)).astype(np.float32)
        return Data(x, rng.integers(0, 2, size), DataSpec("tabular", (4,), 2))

    member = np.random.default_rng(1).random((models, n)) < 0.5
    return Setting(
        pool=data(n, 2),
        reference=data(n_reference, 3),
        test=data(50, 4),
        member=member,
        kind=np.full(n, ""),
        always=np.zeros(n, dtype=bool),
    )


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 0.45, 0.55), (3.0, 0.95, 1.0)])
def test_lira_finds_members_only_where_outputs_tell_them(search, shift, low, high):
    drawn = setting()
    phi = np.random.default_rng(5).normal(size=drawn.member.shape) + shift * drawn.member
    right = np.arange(2) == drawn.pool.y[:, None]
    log_probs = -np.logaddexp(0, -np.where(right, phi[..., None], -phi[..., None]))
    outputs = Outputs(log_probs.argmax(-1), log_probs.astype(np.float32))
    assert low < search.lira_auc(outputs, drawn) <= high


@pytest.mark.parametrize(("baseline", "n_trained"), [({}, 239), ({"epsilon": 8.0}, 150)])
def test_half_of_the_records_are_trained_on_where_exposure_counts(search, baseline, n_trained):
    grid = search.Grid("x", "quickstart", "digits", "vae-metric", baseline=baseline)
    drawn = search.reference_setting(setting(), grid, 4, n_private=600)
    assert len(drawn.pool) == 299
    assert set(drawn.member.sum(axis=1)) == {n_trained}
    few = search.reference_setting(setting(), grid, 4, n_private=60)
    assert set(few.member.sum(axis=1)) == {60}
    assert len(few.pool) == (120 if baseline else 240)


def tried(search, accuracy, auc=None, epsilon=8.0):
    return search.Tried({"epsilon": epsilon}, {}, accuracy, 0.01, auc)


def test_the_most_accurate_is_chosen_whose_exposure_is_that_of_the_baseline(search):
    baseline, exposed = tried(search, 0.7, 0.55), tried(search, 0.9, 0.5601)
    equal, worse = tried(search, 0.8, 0.56 - 1e-9), tried(search, 0.75, 0.52)
    diverged = tried(search, None)
    assert search.best([baseline, exposed, worse, equal, diverged], ()) == [equal]
    assert search.best([baseline, exposed], ()) == [baseline]


def test_a_baseline_that_diverged_bounds_nothing(search):
    with pytest.raises(ValueError, match="baseline diverged"):
        search.best([tried(search, None), tried(search, 0.9, 0.6)], ())


def test_without_a_baseline_exposure_does_not_count(search):
    few, many = tried(search, 0.7), tried(search, 0.9)
    assert search.best([few, many], ()) == [many]
    assert search.best([few, tried(search, 0.8, epsilon=1.0), many], ("epsilon",)) == [
        many,
        tried(search, 0.8, epsilon=1.0),
    ]


@pytest.mark.parametrize(
    ("n_private", "n_trained", "epochs"), [(600, 600, 50), (600, 150, 167), (600, 60, 500)]
)
def test_generators_take_as_many_steps_on_fewer_records(search, n_private, n_trained, epochs):
    host = PluginHost(installed=False)
    vae = host.registry("generator").get("vae", "test")
    steps = search.as_many_steps(vae.build({}, "test"), n_private, n_trained)
    assert steps.component.epochs == epochs  # 10 batches of 64 in 600 records, 3 in 150, 1 in 60
    shared = vae.build({"fitted_on": "reference"}, "test")
    assert search.as_many_steps(shared, n_private, n_trained) == shared
    copula = host.registry("generator").get("gaussian-copula", "test").build({}, "test")
    assert search.as_many_steps(copula, n_private, n_trained) == copula


def test_the_baseline_is_the_first_combination(search):
    file, host = (
        read_file(find_file(FOLDER.parent / "benchmarks.toml")),
        PluginHost(installed=False),
    )
    with_baseline = [grid for grid in search.read_grids(FOLDER / "grids.toml") if grid.baseline]
    assert with_baseline
    for grid in with_baseline:
        first = search.benchmark_of(grid, file, host).defenses[0]
        assert search.values_of(first, grid.baseline) == dict(grid.baseline)


def test_shipped_benchmarks_have_the_chosen_autoencoders(search):
    """Epsilon says how much protection is wanted, so that they sweep it or set another one."""
    file, host = read_file(FOLDER.parent / "benchmarks.toml"), PluginHost(installed=False)
    for path in (FOLDER / "outcomes").glob("*-vae-metric.json"):
        outcome = json.loads(path.read_text())
        name = outcome["grid"]["benchmark"]
        label = "vae-metric" if name == "quickstart" else "vae-metric-tuned"
        (chosen,) = outcome["chosen"]
        shipped = [
            defense
            for defense in resolve(file, name, host.registries).defenses
            if defense.label.partition("[")[0] == label
        ]
        assert shipped
        for defense in shipped:
            params = defense.generator.component.params()
            assert {**params, **chosen["defense"], "epsilon": None} == {**params, "epsilon": None}


def test_the_shipped_model_of_adult_has_the_chosen_recipe(search):
    file, host = read_file(FOLDER.parent / "benchmarks.toml"), PluginHost(installed=False)
    (chosen,) = json.loads((FOLDER / "outcomes" / "adult-none.json").read_text())["chosen"]
    (model,) = resolve(file, "paper-adult", host.registries).models
    shipped = model.bound.component.params()
    assert chosen["model"].items() <= shipped.items()
