"""Looking up the components of a benchmark."""

import pytest

from privbench.config import Overrides, Unavailable, Variant, read_file, resolve
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost

from .conftest import BASE, refused


def test_defaults(load):
    benchmark = load()
    assert (benchmark.population, benchmark.pool, benchmark.canaries, benchmark.seeds) == (
        16,
        None,
        0.05,
        (0,),
    )
    assert benchmark.canary_kinds == ("mislabel",)
    assert benchmark.knowledge == ("adaptive", "naive")
    assert benchmark.defenses[0].label == "none"


def test_canaries_are_a_share_or_a_table(load):
    def canaries(text, **given):
        benchmark = load(canaries=text, **given)
        return benchmark.canaries, benchmark.canary_kinds

    assert canaries("0.1") == (0.1, ("mislabel",))
    assert canaries("{ share = 0.1 }") == (0.1, ("mislabel",))
    table = '{ share = 0.1, kinds = ["twin", "mislabel", "twin"] }'
    assert canaries(table) == (0.1, ("mislabel", "twin"))
    assert canaries(table, set=["canaries=0"]) == (0.0, ("mislabel",))
    assert canaries("0.1", set=["canaries=" + table]) == (0.1, ("mislabel", "twin"))


def test_names_and_tables_are_the_same_component(load):
    plain = load(models='["mlp"]').models[0].bound.component
    table = load(models='[{ name = "mlp" }]').models[0].bound.component
    assert plain == table


def test_same_labels_show_their_parameters(load):
    attacks = load(attacks='["lira", { name = "lira", variance = "per-record" }]').attacks
    assert [a.label for a in attacks] == ["lira", "lira[variance=per-record]"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": '[{ name = "mlp", hidden = 8 }]'}, ["models[0].hidden: 8 is no list", "[8]"]),
        (
            {"attacks": '["lyra"]'},
            ["benchmarks.b.attacks[0]", "'lyra'", "did you mean 'lira'?", "allowed"],
        ),
        ({"datasets": '["digit"]'}, ["benchmarks.b.datasets[0]", "did you mean 'digits'?"]),
        (
            {"defenses": '["vae-metrik"]'},
            ["benchmarks.b.defenses[0]", "did you mean 'vae-metric'?"],
        ),
        ({"models": "[{ hidden = [8] }]"}, ["benchmarks.b.models[0].name"]),
        (
            {"models": '[{ name = "mlp", epochs = 0 }]'},
            ["models[0].epochs", "0", "greater than or equal to 1"],
        ),
        ({"models": '[{ name = "mlp", epochs = "5" }]'}, ["models[0].epochs", "'5'", "integer"]),
        ({"models": '[{ name = "mlp", epochs = true }]'}, ["models[0].epochs", "True", "integer"]),
        ({"models": '[{ name = "mlp", lr = nan }]'}, ["models[0].lr", "finite"]),
        (
            {"models": '[{ name = "mlp", epoch = 3 }]'},
            ["models[0].epoch", "did you mean 'epochs'?"],
        ),
        (
            {"models": '[{ name = "mlp", optimizer = "sdg" }]'},
            ["models[0].optimizer", "'sdg'", "'sgd'"],
        ),
        ({"attacks": '["loss", "loss"]'}, ["benchmarks.b.attacks", "'loss'", "2 times"]),
    ],
)
def test_mistakes_in_components_name_the_key_the_value_and_what_is_allowed(load, changes, words):
    assert "\n" not in refused(words, load, **changes)


def test_an_unknown_benchmark_names_the_closest(tmp_path, host):
    path = tmp_path / "b.toml"
    path.write_text(BASE)
    with pytest.raises(BadInput, match="unknown benchmark 'quickstrat'"):
        resolve(read_file(path), "quickstrat", host.registries)


def test_an_unknown_component_is_unavailable_if_a_plugin_failed(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('no')")
    host = PluginHost([str(broken)], installed=False)
    path = tmp_path / "b.toml"
    path.write_text(BASE.replace('["loss"]', '["loss", "mine"]'))
    overrides = Overrides.parse(["mine.power=2"])
    attacks = resolve(read_file(path), "b", host.registries, overrides, host.broken).attacks
    overrides.check()
    assert isinstance(attacks[0], Variant)
    assert isinstance(attacks[1], Unavailable)
    assert "broken.py" in attacks[1].reason
