import json

import pytest

from privbench.plugins.host import PluginHost

from .helpers import printed, refused

ENTRIES = [
    pytest.param(entry, id=f"{entry.kind} {entry.name}")
    for registry in PluginHost(installed=False).registries.values()
    for entry in registry
]


def words(text):
    """The text without its line breaks and indentation."""
    return " ".join(text.split())


SLOW = pytest.mark.slow
OURS = {"csv", "npz", "images", "mlp", "cnn", "logistic", "local", "processes", "public-only"}
"""What comes from no paper: formats, elementary models and a baseline."""


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_component(cli, entry):
    facts = printed(cli("show", entry.kind, entry.name, "--json"))
    assert (facts["kind"], facts["name"]) == (entry.kind, entry.name)
    assert facts["description"]
    assert [row["name"] for row in facts["parameters"]] == list(entry.cls.model_fields)
    for row in facts["parameters"]:
        assert row["description"], row["name"]
        assert row["type"] not in ("", "any"), row["name"]
        assert row["required"] or "default" in row
    assert bool(facts["paper"]) == (entry.name not in OURS)


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_text_says_the_same(cli, entry):
    facts = printed(cli("show", entry.kind, entry.name, "--json"))
    result = cli("show", entry.kind, entry.name)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{entry.kind} {entry.name} (privbench ")
    text = words(result.stdout)
    assert words(facts["description"]) in text
    assert words(facts["paper"]) in text
    for row in facts["parameters"]:
        default = "required" if row["required"] else f"default {json.dumps(row['default'])}"
        constraints = "; ".join(part for part in (row["type"], row["bounds"], default) if part)
        assert words(f" {row['name']}: {constraints} {row['description']}") in text


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_line_is_wider_than_80_columns(cli, monkeypatch, entry):
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("show", entry.kind, entry.name).stdout.splitlines()
    # An address is never broken, so that it can be copied.
    assert max(len(line) for line in lines if "://" not in line) <= 80


@pytest.mark.parametrize(
    ("kind", "private"),
    [("benchmark", False), ("defense", False), pytest.param("defense", True, marks=SLOW)],
)
def test_no_line_of_the_shipped_file_is_wider_than_80_columns(cli, monkeypatch, kind, private):
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(cli("list", f"{kind}s", "--json"))
    for line in lines:
        if kind == "defense" and ("dp-sgd" in line["summary"]) != private:
            continue  # whose epsilon takes seconds to compute
        _, *lines = cli("show", kind, line["name"]).stdout.splitlines()  # the first is a path
        assert max(map(len, lines)) <= 80


def test_a_list_of_tables_has_a_line_for_each(cli, config, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    text = cli("show", "benchmark", "small").stdout
    assert 'attacks = [\n    "loss",\n    {"name": "lira", "variance": "global"},\n]\n' in text
    assert 'defenses = ["none", "noisy"]\n' in text


@pytest.mark.parametrize(
    ("kind", "name", "parameter", "expected"),
    [
        ("mechanism", "dp-sgd", "delta", ("number", ">= 1e-10, < 1", False, 1e-5)),
        ("mechanism", "dp-sgd", "epsilon", ("number | null", "> 0", False, None)),
        ("mechanism", "metric-privacy", "epsilon", ("number", "> 0", True, None)),
        ("model", "mlp", "optimizer", ("sgd | adam | adamw", "", False, "sgd")),
        ("dataset", "csv", "drop", ("list of string", "", False, [])),
        ("dataset", "cifar10", "train_files", ("integer", ">= 1, <= 5", False, 5)),
    ],
)
def test_types_bounds_and_defaults(cli, kind, name, parameter, expected):
    rows = {row["name"]: row for row in printed(cli("show", kind, name, "--json"))["parameters"]}
    row = rows[parameter]
    assert (row["type"], row["bounds"], row["required"], row["default"]) == expected


def test_a_plugin(cli, attack):
    facts = printed(cli("show", "attack", "mine", "-p", attack(), "--json"))
    assert facts["description"] == "An attack of mine."
    assert [(row["name"], row["bounds"]) for row in facts["parameters"]] == [("power", "> 0")]


def test_a_benchmark(cli, config):
    facts = printed(cli("show", "benchmark", "small", "--json"))
    assert (facts["name"], facts["from"], facts["population"]) == ("small", "benchmarks.toml", 4)
    assert facts["seeds"] == [0]  # a default, which the file does not say
    assert "population = 4" in cli("show", "benchmark", "small").stdout.splitlines()


def test_a_defense(cli, config):
    facts = printed(cli("show", "defense", "vae-metric", "--json"))
    assert facts["mechanisms"] == [{"name": "metric-privacy", "epsilon": 8.0}]
    assert "> metric-privacy(epsilon=8.0)" in cli("show", "defense", "vae-metric").stdout


def test_a_name_of_several_kinds(cli, config):
    lines = cli("show", "vae").stdout.splitlines()
    head = " ".join(lines[: lines.index("")])
    assert head.startswith("vae is a defense and a generator. For one of them alone:")
    assert "`privbench show defense vae` or `privbench show generator vae`" in head
    assert [line for line in lines if line.startswith(("defense vae (", "generator vae ("))] != []
    assert "For one of them" not in cli("show", "generator", "vae").stdout
    refused(cli("show", "vae", "--json"), "a defense and a generator", "--json is about one")


def test_none_is_a_defense(cli, config):
    facts = printed(cli("show", "defense", "none", "--json"))
    assert (facts["generator"], facts["mechanisms"]) == (None, [])
    assert "the empty pipeline" in cli("show", "defense", "none").stdout


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("attack", "lyra", "lira"),
        ("dataset", "digit", "digits"),
        ("benchmark", "smal", "small"),
        ("defense", "nosy", "noisy"),
    ],
)
def test_an_unknown_name(cli, config, kind, name, near):
    words = (f"unknown {kind} {name!r}", f"did you mean {near!r}?", "allowed: ")
    refused(cli("show", kind, name), *words)


def test_an_unknown_kind(cli):
    refused(cli("show", "attacks", "lira"), "'attacks'", "'attack'")


def test_no_name(cli):
    refused(cli("show", "attack"), "NAME is missing", "`privbench list attacks`")
    refused(cli("show", "models"), "NAME is missing", "`privbench show model NAME`")
    refused(cli("show"), "Missing argument '[KIND] NAME'")
    refused(cli("show", "attack", "lira", "rmia"), "'rmia' is too much")
