"""``privbench audit`` as a user would type it."""

import json

import numpy as np
import pytest

from .helpers import printed


@pytest.fixture
def files(arrays, tmp_path):
    """A target's file and one of shadows."""
    np.savez(tmp_path / "target.npz", **arrays(n_models=2))
    np.savez(tmp_path / "shadow.npz", **arrays(n_models=6, seed=1))
    return tmp_path / "target.npz", tmp_path / "shadow.npz"


def test_a_table_and_what_was_skipped(cli, files):
    target, shadow = files
    result = cli("audit", target, "--shadow", shadow)
    assert result.exit_code == 0, result.output
    assert "2 models, 200 records, shadows: same records" in result.stdout
    assert "lira" in result.stdout
    assert "skipped gradient: needs the target's parameters" in result.stdout


def test_json(cli, files):
    target, shadow = files
    result = cli("audit", target, "--shadow", shadow, "--attack", "lira", "--json",
                 "--set", "lira.variance=shrunk")  # fmt: skip
    found = json.loads(result.stdout)
    assert list(found["attacks"]) == ["lira"]
    assert found["skipped"] == {}
    assert found["attacks"]["lira"]["auc"] > 0.9
    assert found["attacks"]["lira"]["n_models"] == 2


@pytest.mark.parametrize("end", ["png", "pdf", "svg"])
def test_plot(cli, files, tmp_path, end):
    result = cli("audit", files[0], "--attack", "loss", "--plot", tmp_path / f"roc.{end}")
    assert result.exit_code == 0, result.output
    assert (tmp_path / f"roc.{end}").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.npz"], ["nowhere.npz", "no such file"]),
        (["target.npz", "--shadow", "nowhere.npz"], ["nowhere.npz"]),
        (["target.npz", "--attack", "lyra"], ["'lyra'", "did you mean 'lira'"]),
        (["target.npz", "--set", "lira.mode=none"], ["lira.mode", "'none'", "online"]),
        (["target.npz", "--set", "lira.x=1"], ["lira.x"]),
        (["target.npz", "--attack", "loss", "--set", "lira.mode=offline"], ["lira.mode"]),
        (["target.npz", "--plot", "roc.gif"], ["roc.gif", ".png"]),
        (["target.npz", "--plot", "nowhere/roc.png"], ["no such folder"]),
    ],
)
def test_bad_input(cli, files, arguments, words):
    result = cli("audit", *arguments)
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.output


def test_a_plugins_attack_is_tried_too(cli, files, tmp_path):
    (tmp_path / "coin.py").write_text(
        "import numpy as np\nimport privbench\n"
        "class Coin(privbench.Attack):\n"
        "    '''A coin.'''\n"
        "    name = 'coin'\n"
        "    def score(self, view): return view.rng.random(len(view.labels))\n"
        "@privbench.hookimpl\n"
        "def register_attacks(register): register(Coin)\n"
    )
    result = cli("audit", "target.npz", "-p", "coin.py", "--attack", "coin", "--json")
    assert 0.4 < json.loads(result.stdout)["attacks"]["coin"]["auc"] < 0.6


FAILING = (
    "import numpy as np\nimport privbench\n"
    "class Bad(privbench.Attack):\n"
    "    '''It raises.'''\n"
    "    name = 'bad'\n"
    "    def score(self, view): raise RuntimeError('boom')\n"
    "@privbench.hookimpl\n"
    "def register_attacks(register): register(Bad)\n"
)


def test_an_attack_that_raises_costs_only_itself(cli, files, tmp_path):
    (tmp_path / "bad.py").write_text(FAILING)
    chosen = ("-p", "bad.py", "--attack", "bad", "--attack", "loss")
    result = cli("audit", "target.npz", *chosen, "--json")
    found = printed(result, status=1)
    assert found["failed"] == {"bad": "RuntimeError: boom (bad.py:6)"}
    assert list(found["attacks"]) == ["loss"]
    text = cli("audit", "target.npz", *chosen)
    assert text.exit_code == 1
    assert "failed bad: RuntimeError: boom (bad.py:6)" in text.stdout


def test_nothing_to_draw(cli, files):
    result = cli("audit", "target.npz", "--attack", "quantile", "--plot", "roc.png")
    assert result.exit_code == 2
    assert "No attack returned scores" in result.stdout
    assert "no ROC curve" in result.stderr
