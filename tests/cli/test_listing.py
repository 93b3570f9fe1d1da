import pytest

from privbench.config import read_file
from privbench.config.file import shipped_file

from .helpers import printed, refused

SHIPPED = {
    "datasets": [
        "adult",
        "cifar10",
        "csv",
        "digits",
        "fashion-mnist",
        "location30",
        "mnist",
        "npz",
    ],
    "generators": ["vae"],
    "mechanisms": ["dp-sgd", "metric-privacy", "output-noise"],
    "models": ["cnn", "logistic", "mlp"],
    "attacks": ["gap", "lira", "loss", "modified-entropy", "shokri"],
    "executors": ["local", "processes"],
    "benchmarks": ["quickstart", "location30"],
    "defenses": ["none", "vae", "vae-metric", "dp-sgd", "output-noise"],
}


@pytest.mark.parametrize("kind", SHIPPED)
def test_one_kind(cli, kind):
    lines = printed(cli("list", kind, "--json"))
    assert set(SHIPPED[kind]) <= {line["name"] for line in lines}
    for line in lines:
        assert list(line) == ["kind", "name", "summary", "from", "paper"]
        assert line["kind"] == kind.removesuffix("s")
        assert line["summary"]
        assert line["from"]


def test_text_shows_the_same_names_in_that_order(cli):
    result = cli("list", "attacks")
    assert result.exit_code == 0
    header, *lines = result.stdout.splitlines()
    assert header.startswith("attacks (privbench 0.")
    names = [line["name"] for line in printed(cli("list", "attacks", "--json"))]
    shown = [line.split()[0] for line in lines if not line.startswith("   ")]
    assert shown == names == sorted(names)


def test_all_kinds(cli):
    lines = printed(cli("list", "--json"))
    assert {line["kind"] + "s" for line in lines} == set(SHIPPED)
    text = cli("list").stdout.splitlines()
    headings = [line.split()[0] for line in text if line and not line.startswith(" ")]
    assert headings == list(dict.fromkeys(f"{line['kind']}s" for line in lines))
    names = [line.split()[0] for line in text if line.startswith("  ") and line[2] != " "]
    assert names == [line["name"] for line in lines]


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(cli, attack, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    attack()
    lines = cli("list", "-p", "mine.py").stdout.splitlines()
    assert width - 20 < max(map(len, lines)) <= width


def test_a_long_summary_is_cut_after_two_lines(cli, config, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    text = cli("list", "defenses").stdout.splitlines()
    start = text.index("  vae-metric")  # a word is wider than the room beside the name
    assert text[start + 1] == "      vae(latent_dim=2, hidden=8,"
    assert text[start + 2] == "      epochs=2) > …"
    assert len(text) == start + 3


def test_what_a_plugin_brings_has_a_heading_of_its_own(cli, attack):
    text = cli("list", "attacks", "-p", attack(), "-p", attack(name="other", file="b.py")).stdout
    headings = [line for line in text.splitlines() if line.startswith("attacks (")]
    assert len(headings) == 3
    assert headings[1].endswith("mine.py)")


def test_papers(cli):
    papers = {line["name"]: line["paper"] for line in printed(cli("list", "attacks", "--json"))}
    assert "2112.03570" in papers["lira"]


def test_what_a_file_defines(cli, config):
    benchmarks = printed(cli("list", "benchmarks", "--json"))
    small, *shipped = [(line["name"], line["summary"], line["from"]) for line in benchmarks]
    assert small == ("small", "none, noisy on npz against loss, lira", "benchmarks.toml")
    assert [(name, place) for name, _, place in shipped] == [
        (line["name"], str(shipped_file()))
        for line in benchmarks
        if line["name"] in read_file(shipped_file()).benchmarks
    ]
    config.rename(config.with_name("other.toml"))
    defenses = printed(cli("list", "defenses", "--json", "-c", "other.toml"))
    assert {line["name"]: line["summary"] for line in defenses if line["from"] == "other.toml"} == {
        "noisy": "output-noise(scale=0.2)",
        "vae": "vae(latent_dim=2, hidden=8, epochs=2) (instead of the shipped one)",
        "vae-metric": "vae(latent_dim=2, hidden=8, epochs=2) > metric-privacy(epsilon=8.0) (instead of"
        " the shipped one)",
    }
    others = {line["name"] for line in defenses if line["from"] != "other.toml"}
    assert {"none", "dp-sgd", "output-noise"} < others


def test_a_plugin(cli, attack):
    lines = printed(cli("list", "attacks", "--json", "-p", attack()))
    (mine,) = [line for line in lines if line["name"] == "mine"]
    assert mine["summary"] == "An attack of mine."
    assert mine["from"].endswith("mine.py")


def test_a_broken_plugin_leaves_the_rest(cli, plugin):
    broken = plugin("raise RuntimeError('boom')")
    assert printed(cli("list", "--json", "-p", broken)) == printed(cli("list", "--json"))


def test_an_unknown_kind(cli):
    refused(cli("list", "atacks"), "'atacks'; did you mean 'attacks'? (allowed: benchmarks, ")


def test_a_file_that_cannot_be_read(cli, tmp_path):
    (tmp_path / "benchmarks.toml").write_text("[benchmark.b]")
    refused(cli("list", "benchmarks"), "benchmarks.toml", "did you mean 'benchmarks'?")
    assert cli("list", "attacks").exit_code == 0  # for which it does not matter
    refused(cli("list", "benchmarks", "-c", "nowhere.toml"), "-c nowhere.toml")
