"""Paths in benchmarks.toml start at the folder of that file."""

from pathlib import Path

import numpy as np
import pytest

from privbench.api import make_plans
from privbench.config import Overrides
from privbench.config.paths import located
from privbench.datasets.csv import Csv
from privbench.errors import BadInput

BENCHMARK = """
[benchmarks.b]
datasets = [{{ name = "npz", path = {path} }}]
models = ["logistic"]
defenses = ["none"]
attacks = ["loss"]
population = 4
canaries = 0
"""


@pytest.fixture
def datasets(tmp_path, host, monkeypatch):
    """Plan a benchmark of a file in the folder ``mine``; return the paths and labels of its datasets."""
    (tmp_path / "mine").mkdir()
    x, y = np.random.default_rng(0).random((40, 3)), np.arange(40) % 2
    for name in ("one", "two"):
        np.savez(tmp_path / "mine" / f"{name}.npz", x=x, y=y)

    def plan(path, *overrides, here="."):
        config = tmp_path / "mine" / "benchmarks.toml"
        config.write_text(BENCHMARK.format(path=path))
        monkeypatch.chdir(tmp_path / here)
        (plan,) = make_plans(
            ["b"],
            host,
            config=None if here == "mine" else config,
            overrides=Overrides.parse(overrides),
        )
        found = plan.benchmark.datasets
        return [Path(d.bound.component.path) for d in found], [d.label for d in found]

    return plan


def test_relative_to_the_file(datasets, tmp_path):
    assert datasets('"one.npz"') == ([tmp_path / "mine" / "one.npz"], ["npz"])
    assert datasets('"one.npz"', here="mine") == ([Path("one.npz")], ["npz"])
    absolute = tmp_path / "mine" / "two.npz"
    assert datasets(f'"{absolute}"', here="mine")[0] == [absolute]


def test_sweeps_have_labels_as_they_are_written(datasets, tmp_path):
    paths, labels = datasets('["one.npz", "two.npz"]')
    assert paths == [tmp_path / "mine" / name for name in ("one.npz", "two.npz")]
    assert labels == ["npz[path=one.npz]", "npz[path=two.npz]"]


def test_overrides_are_relative_to_the_current_directory(datasets):
    assert datasets('"absent.npz"', "npz.path=mine/two.npz")[0] == [Path("mine/two.npz")]
    whole = 'datasets=[{name = "npz", path = "mine/two.npz"}]'
    assert datasets('"absent.npz"', whole)[0] == [Path("mine/two.npz")]


def test_a_file_that_is_not_there(datasets, tmp_path):
    with pytest.raises(BadInput, match=rf"{tmp_path}/mine/absent\.npz: no such file"):
        datasets('"absent.npz"')


def test_only_paths_are_located(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    params = {"path": "a.csv", "label": "y", "drop": ["b"]}
    assert located(Csv, params, Path("mine")) == params | {"path": "mine/a.csv"}
    assert located(Csv, {"path": "~/a.csv"}, Path("mine")) == {"path": "/home/me/a.csv"}
    assert located(Csv, params, Path("mine"), ["path"]) == params
    assert located(Csv, {"path": 3, "odd": "x"}, Path("mine")) == {"path": 3, "odd": "x"}


PLUGIN = """
import privbench
from pydantic import Field

class FromFile(privbench.OutputMechanism):
    name = "from-file"
    file: str = Field("none.py", json_schema_extra={"path": True})
    def apply(self, probabilities, rng): return probabilities

@privbench.hookimpl
def register_mechanisms(register): register(FromFile)
"""
DEFENSES = """
[defenses.mine]
mechanisms = [{{ name = "from-file", file = {file} }}]

[benchmarks.b]
datasets = ["digits"]
models = ["logistic"]
defenses = [{defense}]
attacks = ["loss"]
"""


@pytest.fixture
def files(tmp_path, host):
    """Plan a benchmark in the folder ``mine``; return the files of its defenses."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "plugin.py").write_text(PLUGIN)
    host.load(str(tmp_path / "plugin.py"))

    def plan(file, defense, *overrides):
        config = tmp_path / "mine" / "benchmarks.toml"
        config.write_text(DEFENSES.format(file=file, defense=defense))
        (made,) = make_plans(["b"], host, config=config, overrides=Overrides.parse(overrides))
        return [d.mechanisms[0].component.file for d in made.benchmark.defenses]

    return plan


def test_paths_of_defenses_are_relative_to_the_file_as_well(files, tmp_path):
    folder = tmp_path / "mine"
    assert files('"a.py"', '"mine"') == [str(folder / "a.py")]
    assert files('["a.py", "b.py"]', '"mine"') == [str(folder / "a.py"), str(folder / "b.py")]
    assert files('"a.py"', '{ name = "mine", file = "c.py" }') == [str(folder / "c.py")]
    assert files('"a.py"', '"mine"', "mine.file=d.py") == ["d.py"]
    assert files('"a.py"', '"mine"', "from-file.file=e.py") == ["e.py"]
