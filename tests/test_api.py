"""``privbench.run`` in Python: what it takes. What it computes is tested in tests/test_runner.py."""

import pandas as pd
import pytest

import privbench
from privbench.storage.results import COLUMNS

PLUGIN = """
import privbench

class Mine(privbench.Attack):
    name = "mine"
    def score(self, view): return view.target.log_prob_of(view.labels)

@privbench.hookimpl
def register_attacks(register): register(Mine)
"""
CHEAP = {"mlp.epochs": 1, "canaries": 0, "attacks": ["mine"]}


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_plugin_is_a_name_or_a_path_alone_or_one_of_several(tmp_path, config, kind, several):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    plugins = [kind(path)] if several else kind(path)
    frame = privbench.run(
        "small", config=config, plugins=plugins, results=tmp_path, select="none", set=CHEAP
    )
    assert set(frame["status"]) == {"ok"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"names": (["small"],)}, ["['small'] is not a name", 'privbench.run("one", "another")']),
        ({"set": ["mlp.epochs=5"]}, ["set: ['mlp.epochs=5'] is not a dict", '{"mlp.epochs": 5}']),
        ({"set": "mlp.epochs=5"}, ["is not a dict"]),
        ({"set": {"mlp.epochs": 0}}, ['set["mlp.epochs"]: 0', "greater than or equal to 1"]),
    ],
)
def test_what_it_does_not_take_says_what_to_write(tmp_path, config, arguments, words):
    names = arguments.pop("names", ("small",))
    with pytest.raises(privbench.BadInput) as caught:
        privbench.run(*names, config=config, results=tmp_path, **arguments)
    for word in words:
        assert word in str(caught.value)


def test_a_run_returns_a_frame(config, tmp_path):
    frame = privbench.run(
        "small", config=config, results=tmp_path, select="loss and none", set={"canaries": 0}
    )
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 2


def test_bad_input(config, tmp_path):
    with pytest.raises(privbench.BadInput, match="smal"):
        privbench.run("smal", config=config, results=tmp_path)
    with pytest.raises(privbench.BadInput, match="gpu"):
        privbench.run("small", config=config, results=tmp_path, device="gpu")


def test_without_names_it_refuses_and_lists_the_benchmarks(config, tmp_path):
    with pytest.raises(privbench.BadInput, match=r"which benchmark\?.*\n  small  8 trials"):
        privbench.run(config=config, results=tmp_path / "results")
    assert not (tmp_path / "results").exists()
