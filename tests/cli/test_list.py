import pytest

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
    "executors": ["local"],
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
    assert header.split() == ["name", "summary", "from"]
    names = [line["name"] for line in printed(cli("list", "attacks", "--json"))]
    assert [line.split()[0] for line in lines] == names == sorted(names)


def test_all_kinds(cli):
    lines = printed(cli("list", "--json"))
    assert {line["kind"] + "s" for line in lines} == set(SHIPPED)
    text = cli("list").stdout.splitlines()
    assert text[0].split() == ["kind", "name", "summary", "from"]
    assert len(text) == 1 + len(lines)


def test_papers(cli):
    papers = {line["name"]: line["paper"] for line in printed(cli("list", "attacks", "--json"))}
    assert "2112.03570" in papers["lira"]


def test_what_a_file_defines(cli, config):
    benchmarks = printed(cli("list", "benchmarks", "--json"))
    assert [(line["name"], line["summary"], line["from"]) for line in benchmarks] == [
        ("small", "none, noisy on npz against loss, lira", "benchmarks.toml")
    ]
    config.rename(config.with_name("other.toml"))
    defenses = printed(cli("list", "defenses", "--json", "-c", "other.toml"))
    assert {line["name"]: line["summary"] for line in defenses} == {
        "none": "the empty pipeline",
        "noisy": "output-noise(scale=0.2)",
        "vae": "vae(latent_dim=2, hidden=8, epochs=2)",
        "vae-metric": "vae(latent_dim=2, hidden=8, epochs=2) > metric-privacy(epsilon=8.0)",
    }


def test_a_plugin(cli, attack):
    lines = printed(cli("list", "attacks", "--json", "-p", attack()))
    (mine,) = [line for line in lines if line["name"] == "mine"]
    assert mine["summary"] == "An attack of mine."
    assert mine["from"].endswith("mine.py")


def test_a_broken_plugin_leaves_the_rest(cli, plugin):
    broken = plugin("raise RuntimeError('boom')")
    assert printed(cli("list", "--json", "-p", broken)) == printed(cli("list", "--json"))


def test_an_unknown_kind(cli):
    refused(cli("list", "atacks"), "'atacks'", "'attacks'", "'benchmarks'")


def test_a_file_that_cannot_be_read(cli, tmp_path):
    (tmp_path / "benchmarks.toml").write_text("[benchmark.b]")
    refused(cli("list", "benchmarks"), "benchmarks.toml", "did you mean 'benchmarks'?")
    assert cli("list", "attacks").exit_code == 0  # for which it does not matter
    refused(cli("list", "benchmarks", "-c", "nowhere.toml"), "-c nowhere.toml")
