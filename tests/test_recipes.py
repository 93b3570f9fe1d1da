"""The search for recipes: what it reads, what DP-SGD it simulates, and what it has chosen."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from privbench.components import Bound, Distribution, Entry
from privbench.config import read_file, resolve
from privbench.data import Data, DataSpec
from privbench.mechanisms.dp_sgd import DpSgd
from privbench.membership import clean_setting
from privbench.models.mlp import Mlp
from privbench.plugins.host import PluginHost

ROOT = Path(__file__).parent.parent
OUTCOMES = sorted((ROOT / "recipes" / "outcomes").glob("*.json"))
SPEC = DataSpec("tabular", (2,), 2)


@pytest.fixture
def search(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "recipes"))
    import search

    yield search
    del sys.modules["search"]


def setting(n, n_pool):
    x = np.arange(2 * n, dtype="float32").reshape(n, 2)
    return clean_setting(Data(x, np.arange(n) % 2, SPEC), 4, n_pool, "names")


def firsts(data):
    return set(data.x[:, 0].tolist())


@pytest.mark.parametrize(("n", "n_pool", "trained"), [(400, 300, 39), (2000, 100, 50)])
def test_it_trains_and_validates_on_reference_records_alone(search, n, n_pool, trained):
    clean = setting(n, n_pool)
    grid = search.Grid("g", "b", "d")
    found = search.reference_setting(clean, grid, 5, n_pool // 2)
    assert firsts(found.pool) | firsts(found.reference) <= firsts(clean.reference)
    assert not firsts(found.pool) & firsts(found.reference)
    assert found.member.sum(1).tolist() == [trained] * 5
    assert len({row.tobytes() for row in found.member}) == 5
    again = search.reference_setting(clean, grid, 3, n_pool // 2)
    np.testing.assert_array_equal(again.member, found.member[:3])


def test_dp_sgd_is_simulated_with_the_rate_steps_and_mean_noise_of_more_records(search):
    model = Mlp(epochs=5, batch_size=50)
    bound = Bound(Entry(DpSgd, Distribution("privbench")), DpSgd(epsilon=2.0, lr=3.0))
    few = search.simulated(bound, 600, 240).component
    many = bound.component
    sampled = few._sampled_steps(model, 240)
    assert sampled == many._sampled_steps(model, 600)
    noise = few._noise_multiplier(sampled) / (sampled.sample_rate * 240)
    assert noise == pytest.approx(many._noise_multiplier(sampled) / 50)
    assert few.recipe(model) == many.recipe(model)
    other = Bound(bound.entry, Mlp())
    assert search.simulated(other, 600, 240) is other


def tried(search, accuracy, **defense):
    return search.Tried(defense, {}, accuracy, 0.01)


def test_the_best_is_chosen_for_each_value_and_divergence_never(search):
    all_ = [
        tried(search, 0.3, epsilon=1.0, lr=1.0),
        tried(search, 0.4, epsilon=1.0, lr=3.0),
        tried(search, None, epsilon=8.0, lr=3.0),
        tried(search, 0.2, epsilon=8.0, lr=1.0),
    ]
    assert search.best(all_, ("epsilon",)) == [all_[1], all_[3]]
    assert search.best(all_, ()) == [all_[1]]


def test_a_grid_is_searched_and_written(search, tmp_path, monkeypatch, capsys):
    grids = tmp_path / "grids.toml"
    grids.write_text(
        '[grids.few]\nbenchmark = "quickstart"\ndataset = "digits"\ndefense = "dp-sgd"\n'
        'per = ["epsilon"]\nmodel = { epochs = [1, 2] }\n'
        "parameters = { epsilon = [1.0, 50.0], lr = [0.1, 1e-9], batch_size = 300 }\n"
    )
    options = ["--grids", str(grids), "--output", str(tmp_path / "out"), "--splits", "2"]
    monkeypatch.setattr(sys, "argv", ["search.py", *options])
    monkeypatch.chdir(ROOT)
    search.main()
    outcome = json.loads((tmp_path / "out" / "few.json").read_text())
    assert len(outcome["tried"]) == 8
    assert [one["defense"]["epsilon"] for one in outcome["chosen"]] == [1.0, 50.0]
    assert outcome["chosen"][1]["defense"]["lr"] == 0.1
    assert outcome["chosen"][1]["model"]["epochs"] in (1, 2)
    assert "few: " in capsys.readouterr().out


def test_every_grid_names_a_benchmark_and_has_an_outcome(search):
    file, host = read_file(ROOT / "benchmarks.toml"), PluginHost()
    grids = {grid.name: grid for grid in search.read_grids(ROOT / "recipes" / "grids.toml")}
    assert {path.stem for path in OUTCOMES} == set(grids)
    for grid in grids.values():
        assert search.benchmark_of(grid, file, host).defenses


@pytest.mark.parametrize("path", OUTCOMES, ids=lambda path: path.stem)
def test_outcomes_are_those_of_the_grids_and_the_readme_has_them(search, path):
    outcome = json.loads(path.read_text())
    grids = {grid.name: grid for grid in search.read_grids(ROOT / "recipes" / "grids.toml")}
    used = search.Grid(**{**outcome["grid"], "per": tuple(outcome["grid"]["per"])})
    assert used == grids[path.stem]
    all_ = [search.Tried(**one) for one in outcome["tried"]]
    chosen = search.best(all_, grids[path.stem].per)
    assert [search.Tried(**one) for one in outcome["chosen"]] == chosen
    assert search.table(outcome) in (ROOT / "recipes" / "README.md").read_text(encoding="utf-8")


def test_shipped_benchmarks_have_the_chosen_recipes(search):
    """Or one within a standard error of it, as a further point of the frontier.

    In each grid's benchmark; parameters that are not searched are those of the benchmark's line.
    """
    file, host = read_file(ROOT / "benchmarks.toml"), PluginHost()
    for path in OUTCOMES:
        outcome = json.loads(path.read_text())
        grid = outcome["grid"]
        if not grid["defense"].startswith("dp-sgd"):
            continue
        benchmark = resolve(file, grid["benchmark"], host.registries)
        shipped = [
            defense.mechanisms[0].component.params()
            for defense in benchmark.defenses
            if defense.label.partition("[")[0] == grid["defense"]
        ]
        assert shipped
        for params in shipped:
            best = next(
                one for one in outcome["chosen"] if one["defense"]["epsilon"] == params["epsilon"]
            )
            near = [
                one["defense"]
                for one in outcome["tried"]
                if one["accuracy"] is not None
                and one["accuracy"] >= best["accuracy"] - best["error"]
            ]
            assert any(one.items() <= params.items() for one in near), (path.stem, params)
        for one in outcome["chosen"]:
            if one["defense"]["epsilon"] in {params["epsilon"] for params in shipped}:
                assert any(one["defense"].items() <= params.items() for params in shipped)
