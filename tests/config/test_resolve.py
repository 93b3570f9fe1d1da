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


def test_a_component_of_no_plugin_is_unavailable_and_says_how_to_load_it(load):
    benchmark = load(
        attacks='["loss", "zebra"]',
        defenses='["none", { name = "mine", strength = [1, 2] }]',
        prefix='[defenses.mine]\nmechanisms = ["my-own-mechanism"]\n',
        is_in_schema=False,
    )
    assert benchmark.attacks[1].reason.endswith(
        "b.toml: benchmarks.b.attacks[1]: attack 'zebra' is not registered: install the plugin that"
        " has it, or give it with -p"
    )
    none, mine = benchmark.defenses
    assert none.label == "none"
    assert "b.toml: defenses.mine.mechanisms[0]: mechanism 'my-own-mechanism'" in mine.reason


def test_what_the_command_line_names_must_be_there(load):
    refused(["--set attacks[0]", "unknown attack 'zebra'"], load, set=['attacks=["zebra"]'])


@pytest.fixture
def resolved(tmp_path, host):
    """Resolve a benchmark of a file of one's own, or of the shipped file."""

    def resolved(name, text, *overrides):
        path = tmp_path / "b.toml"
        path.write_text(BASE + text)
        return resolve(read_file(path), name, host.registries, Overrides.parse(overrides))

    return resolved


def test_each_file_means_its_own_defenses(resolved, caplog):
    text = (
        '[benchmarks.mine]\ndatasets=["digits"]\nmodels=["mlp"]\ndefenses=["vae-metric", "dp-sgd"]'
    )
    mine = resolved("mine", text + '\nattacks=["loss"]')
    assert mine.defenses[0].generator.component.latent_dim == 4
    assert mine.defenses[1].mechanisms[0].component.epsilon == 8  # as it is shipped
    assert "'vae-metric' of" in caplog.text
    assert "the file that ships with privbench has another one" in caplog.text
    assert "dp-sgd" not in caplog.text
    caplog.clear()
    shipped = resolved("location30", "", 'defenses=["vae-metric", "both"]')
    assert shipped.defenses[0].generator.component.latent_dim == 32
    assert shipped.defenses[1].label == "both"  # which only one's own file has
    assert "b.toml has another one" in caplog.text


def test_ones_own_benchmark_of_a_shipped_name_is_the_one_that_runs(resolved, caplog):
    text = BASE.partition("[benchmarks.b]")[2]
    benchmark = resolved("quickstart", "[benchmarks.quickstart]" + text)
    assert [defense.label for defense in benchmark.defenses] == ["none"]
    assert "replaces the one that ships with privbench" in caplog.text
