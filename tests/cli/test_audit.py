"""``privbench audit`` as a user would type it."""

import hashlib
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


def test_the_suffix_of_a_file_is_its_format(cli, files, tmp_path):
    for end, words in {"json": '"auc"', "md": "| loss", "html": "<h1>Audit of target.npz"}.items():
        result = cli("audit", "target.npz", "--attack", "loss", "-o", f"report.{end}")
        assert (result.exit_code, result.stdout) == (0, ""), result.output
        assert words in (tmp_path / f"report.{end}").read_text()
    assert list(json.loads((tmp_path / "report.json").read_text())["attacks"]) == ["loss"]


def test_a_page_beside_the_table_names_the_command_and_the_digest(cli, files, tmp_path):
    result = cli("audit", "target.npz", "--attack", "loss", "--html", "a b.html")
    assert "loss" in result.stdout
    page = (tmp_path / "a b.html").read_text()
    assert "privbench audit target.npz --attack loss --html &#39;a b.html&#39;" in page
    assert hashlib.sha256((tmp_path / "target.npz").read_bytes()).hexdigest() in page


def test_a_limit_that_is_exceeded_is_status_3_and_a_sentence(cli, files):
    chosen = ("audit", "target.npz", "--attack", "loss")
    result = cli(*chosen, "--fail-above", "auc=0.5", "--fail-above", "tpr@0.01=1")
    assert result.exit_code == 3
    (line,) = result.stderr.splitlines()
    assert line.startswith("auc of loss is 0.")
    assert line.endswith("upper end is above the limit 0.5")
    assert cli(*chosen, "--fail-above", "auc=1").exit_code == 0


def test_slices_by_an_array_of_the_file(cli, arrays, tmp_path):
    np.savez(tmp_path / "t.npz", **arrays(n_models=1), age=np.arange(200.0))
    result = cli("audit", "t.npz", "--attack", "loss", "--slice", "age", "--json")
    values = [one["value"] for one in printed(result)["slices"] if one["column"] == "age"]
    assert values == ["0 to 49.75", "49.75 to 99.5", "99.5 to 149.2", "149.2 to 199"]


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
        (["target.npz", "-o", "report.pdf"], ["-o report.pdf", ".html, .json, .md"]),
        (["target.npz", "-o", "nowhere/a.md"], ["no such folder"]),
        (["target.npz", "--html", "report.json"], ["--html report.json", ".html"]),
        (["target.npz", "--fail-above", "acu=1"], ["--fail-above", "'acu'", "tpr@FPR"]),
        (["target.npz", "--fail-above", "auc"], ["METRIC=NUMBER"]),
        (["target.npz", "--slice", "age"], ["'age'", "labels"]),
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
    assert cli("audit", "target.npz", *chosen, "--fail-above", "auc=0").exit_code == 3
    text = cli("audit", "target.npz", *chosen)
    assert text.exit_code == 1
    assert "failed bad: RuntimeError: boom (bad.py:6)" in text.stdout


def test_nothing_to_draw(cli, files):
    result = cli("audit", "target.npz", "--attack", "quantile", "--plot", "roc.png")
    assert result.exit_code == 2
    assert "No attack returned scores" in result.stdout
    assert "no ROC curve" in result.stderr
