import pytest

from privbench.config import Overrides, Unavailable, Variant, find_file, label, read_file, resolve
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost

BASE = """
[defenses.vae-metric]
generator = { name = "vae", latent_dim = 4 }
mechanisms = [{ name = "metric-privacy", epsilon = 8.0 }]

[defenses.twice]
mechanisms = [{ name = "output-noise", scale = 0.1 }, { name = "output-noise", scale = 0.2 }]

[defenses.both]
mechanisms = [{ name = "dp-sgd", noise_multiplier = 1.0 }, { name = "output-noise" }]

[benchmarks.b]
datasets = ["digits"]
models = ["mlp"]
defenses = ["none"]
attacks = ["loss"]
"""


@pytest.fixture
def load(tmp_path, host):
    def load(text=BASE, *, set=(), **changes):
        for key, value in changes.items():
            lines = text.splitlines()
            kept = [line for line in lines if not line.startswith(f"{key} = ")]
            text = "\n".join([*kept, f"{key} = {value}"])
        path = tmp_path / "b.toml"
        path.write_text(text)
        overrides = Overrides.parse(set)
        benchmark = resolve(read_file(path), "b", host.registries, overrides, host.broken)
        overrides.check()
        return benchmark

    return load


def test_defaults(load):
    benchmark = load()
    assert (benchmark.population, benchmark.pool, benchmark.canaries, benchmark.seeds) == (
        16,
        None,
        0.05,
        (0,),
    )
    assert benchmark.knowledge == ("adaptive", "naive")
    assert benchmark.defenses[0].label == "none"


def test_names_and_tables_are_the_same_component(load):
    plain = load(models='["mlp"]').models[0].bound.component
    table = load(models='[{ name = "mlp" }]').models[0].bound.component
    assert plain == table


def test_a_list_of_scalars_is_a_sweep(load):
    benchmark = load(defenses='["none", { name = "vae-metric", epsilon = [16.0, 8, 4.5] }]')
    assert [d.label for d in benchmark.defenses] == [
        "none",
        "vae-metric[epsilon=16]",
        "vae-metric[epsilon=8]",
        "vae-metric[epsilon=4.5]",
    ]
    assert [d.mechanisms[0].component.epsilon for d in benchmark.defenses[1:]] == [16, 8, 4.5]


def test_sweeps_of_several_parameters_are_crossed(load):
    models = load(models='[{ name = "mlp", lr = [0.1, 0.2], epochs = [1, 2] }]').models
    assert [m.label for m in models] == [
        "mlp[lr=0.1,epochs=1]",
        "mlp[lr=0.1,epochs=2]",
        "mlp[lr=0.2,epochs=1]",
        "mlp[lr=0.2,epochs=2]",
    ]


def test_a_list_parameter_is_a_value_and_a_list_of_lists_a_sweep(load):
    assert load(models='[{ name = "mlp", hidden = [8, 4] }]').models[0].bound.component.hidden == (
        8,
        4,
    )
    swept = load(models='[{ name = "mlp", hidden = [[8], [8, 4]] }]').models
    assert [m.label for m in swept] == ["mlp[hidden=[8]]", "mlp[hidden=[8,4]]"]


def test_sweeps_inside_a_defense(load):
    text = BASE.replace("epsilon = 8.0", "epsilon = [8.0, 4.0]")
    labels = [d.label for d in load(text, defenses='["vae-metric"]').defenses]
    assert labels == ["vae-metric[epsilon=8]", "vae-metric[epsilon=4]"]


def test_same_labels_show_their_parameters(load):
    attacks = load(attacks='["lira", { name = "lira", variance = "per-record" }]').attacks
    assert [a.label for a in attacks] == ["lira", "lira[variance=per-record]"]


def test_qualified_parameters_of_a_defense(load):
    spec = '[{ name = "both", "output-noise.delta" = 1e-6 }]'
    defense = load(defenses=spec).defenses[0]
    assert defense.mechanisms[1].component.delta == 1e-6
    assert defense.mechanisms[0].component.delta != 1e-6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"population": "1"},
            ["b.toml", "benchmarks.b.population", "1", "greater than or equal to 2"],
        ),
        ({"population": '"many"'}, ["benchmarks.b.population", "'many'", "integer"]),
        ({"canaries": "0.9"}, ["benchmarks.b.canaries", "0.9", "less than or equal to 0.5"]),
        (
            {"knowledge": '["clever"]'},
            ["benchmarks.b.knowledge", "'clever'", "'adaptive' or 'naive'"],
        ),
        ({"attacks": "[]"}, ["benchmarks.b.attacks", "at least 1"]),
        ({"attacks": '"loss"'}, ["benchmarks.b.attacks: 'loss' is no list", '["loss"]']),
        ({"attacks": "[3]"}, ["benchmarks.b.attacks[0]: 3 is neither a name nor a table"]),
        ({"seeds": '["a"]'}, ["benchmarks.b.seeds[0]: 'a' should be a valid integer"]),
        ({"models": '[{ name = "mlp", hidden = 8 }]'}, ["models[0].hidden: 8 is no list", "[8]"]),
        (
            {"populaton": "3"},
            ["benchmarks.b.populaton", "unknown key", "did you mean 'population'?"],
        ),
        (
            {"attacks": '["lyra"]'},
            ["benchmarks.b.attacks[0]", "'lyra'", "did you mean 'lira'?", "allowed"],
        ),
        ({"datasets": '["digit"]'}, ["benchmarks.b.datasets[0]", "did you mean 'digits'?"]),
        (
            {"defenses": '["vae-metrik"]'},
            ["benchmarks.b.defenses[0]", "did you mean 'vae-metric'?"],
        ),
        (
            {"defenses": '[{ name = "none", epsilon = 1.0 }]'},
            ["defenses[0].epsilon", "'none' has no parameter 'epsilon'"],
        ),
        ({"models": "[{ hidden = [8] }]"}, ["benchmarks.b.models[0].name"]),
        (
            {"models": '[{ name = "mlp", epochs = 0 }]'},
            ["models[0].epochs", "0", "greater than or equal to 1"],
        ),
        ({"models": '[{ name = "mlp", epochs = "5" }]'}, ["models[0].epochs", "'5'", "integer"]),
        ({"models": '[{ name = "mlp", epochs = true }]'}, ["models[0].epochs", "True", "integer"]),
        ({"models": '[{ name = "mlp", lr = nan }]'}, ["models[0].lr", "finite"]),
        ({"models": '[{ name = "mlp", lr = [] }]'}, ["models[0].lr", "empty sweep"]),
        (
            {"models": '[{ name = "mlp", epoch = 3 }]'},
            ["models[0].epoch", "did you mean 'epochs'?"],
        ),
        (
            {"models": '[{ name = "mlp", optimizer = "sdg" }]'},
            ["models[0].optimizer", "'sdg'", "'sgd'"],
        ),
        ({"attacks": '["loss", "loss"]'}, ["benchmarks.b.attacks", "'loss'", "2 times"]),
        (
            {"defenses": '[{ name = "vae-metric", epsilom = 3.0 }]'},
            ["defenses[0].epsilom", "'epsilon'"],
        ),
        (
            {"defenses": '[{ name = "both", delta = 1e-6 }]'},
            ["defenses[0].delta", '"dp-sgd.delta" or "output-noise.delta"'],
        ),
    ],
)
def test_mistakes_name_the_key_the_value_and_what_is_allowed(load, changes, words):
    with pytest.raises(BadInput) as caught:
        load(**changes)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        (
            'mechanisms = [{ name = "metric-privacy", epsilon = 1.0 }]',
            ["metric-privacy", "generator"],
        ),
        (
            'mechanisms = ["output-noise", { name = "dp-sgd", epsilon = 1.0 }]',
            ["order data, latent, training, output; got output-noise (output), dp-sgd (training)"],
        ),
        ('mechanism = ["output-noise"]', ["defenses.x.mechanism", "did you mean 'mechanisms'?"]),
        ('generator = "vaee"', ["defenses.x.generator", "did you mean 'vae'?"]),
        (
            'mechanisms = [{ name = "metric-privacy" }]\ngenerator = "vae"',
            ["mechanisms[0].epsilon", "missing"],
        ),
        ('mechanisms = ["dp-sgd"]', ["mechanisms[0]", "noise_multiplier", "epsilon"]),
        (
            'generator = { name = "vae", release = "sample" }\n'
            'mechanisms = [{ name = "metric-privacy", epsilon = 1.0 }]',
            ["metric-privacy acts on codes of records", 'release = "reconstruct"'],
        ),
        (
            'generator = { name = "vae", release = "sample", fitted_on = "reference" }\n'
            'mechanisms = ["input-noise"]',
            ["input-noise acts on the private records", "reads none of them"],
        ),
    ],
)
def test_mistakes_in_a_pipeline(load, pipeline, words):
    with pytest.raises(BadInput) as caught:
        load(f"[defenses.x]\n{pipeline}\n{BASE}", defenses='["x"]')
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", ["b.toml", "Invalid value"]),
        ("[benchmark.b]", ["benchmark", "did you mean 'benchmarks'?"]),
        ("[defenses.none]", ["b.toml: defenses.none", "empty pipeline", "another name"]),
        ("benchmarks = 3", ["benchmarks", "no table"]),
        ("[benchmarks]\nb = 3", ["benchmarks.b", "no table"]),
        ("[benchmarks.c]\ndatasets = ['digits']", ["benchmarks.c.models", "missing"]),
    ],
)
def test_malformed_files(load, text, words):
    with pytest.raises(BadInput) as caught:
        load(text)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_benchmark_names_the_closest(tmp_path, host):
    path = tmp_path / "b.toml"
    path.write_text(BASE)
    with pytest.raises(BadInput, match="unknown benchmark 'quickstrat'"):
        resolve(read_file(path), "quickstrat", host.registries)


def test_overrides(load):
    benchmark = load(
        set=[
            "population=8",
            "mlp.epochs=3",
            "seeds=[1, 2]",
            "vae.latent_dim=2",
            "metric-privacy.epsilon=[2, 1]",
        ],
        defenses='["none", "vae-metric"]',
    )
    assert benchmark.population == 8
    assert benchmark.seeds == (1, 2)
    assert benchmark.models[0].bound.component.epochs == 3
    assert [d.label for d in benchmark.defenses] == [
        "none",
        "vae-metric[epsilon=2]",
        "vae-metric[epsilon=1]",
    ]
    assert benchmark.defenses[1].generator.component.latent_dim == 2


def test_an_override_beats_what_the_benchmark_says(load):
    benchmark = load(
        set=["vae-metric.epsilon=3"], defenses='[{ name = "vae-metric", epsilon = [16.0, 8.0] }]'
    )
    assert [d.mechanisms[0].component.epsilon for d in benchmark.defenses] == [3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("population", ["KEY=VALUE"]),
        ("popluation=3", ["popluation", "did you mean 'population'?"]),
        ("population=1", ["population", "greater than or equal to 2"]),
        ("cnn.epochs=3", ["cnn.epochs"]),
        ("mlp.epoch=3", ["mlp.epoch"]),
        ("mlp.epochs=many", ["--set mlp.epochs: 'many'"]),
        ("mlp.lr=[0.1, -1]", ["--set mlp.lr: -1"]),
        ("mlp.lr=[]", ["--set mlp.lr: [] is an empty sweep"]),
        ('mlp.hidden=["a"]', ["--set mlp.hidden[0]: 'a'"]),
        ("vae.latent_dim=0", ["--set vae.latent_dim: 0"]),
        ("vae-metric.epsilon=-1", ["--set vae-metric.epsilon: -1"]),
        ("vae-metric.epsilom=1", ["--set vae-metric.epsilom", "did you mean 'epsilon'?"]),
        ("vae-metrics.epsilon=1", ["--set vae-metrics.epsilon", "did you mean 'vae-metric'?"]),
        ("both.delta=1e-6", ["--set both.delta: several components", '"dp-sgd.delta"']),
        ("dp-sgd.epsilon=8.0", ["exactly one of epsilon", "(with --set dp-sgd.epsilon)"]),
        ("none.epsilon=8.0", ["--set none.epsilon: none has no parameter 'epsilon'"]),
        ('models=[{name = "mlp", lr = -1}]', ["--set models[0].lr: -1"]),
        ('attacks=["lyra"]', ["--set attacks[0]: unknown attack", "(a plugin of yours? give -p)"]),
        ("attacks=lira", ["--set attacks: 'lira' is no list; put it in [ ]: [\"lira\"]"]),
    ],
)
def test_wrong_overrides(load, text, words):
    with pytest.raises(BadInput) as caught:
        load(set=[text], defenses='["none", "vae-metric", "both"]')
    assert "b.toml: benchmarks" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_value_beside_the_name_of_a_defense_is_blamed_there(load):
    with pytest.raises(BadInput, match=r"benchmarks\.b\.defenses\[0\]\.epsilon: -1"):
        load(defenses='[{ name = "vae-metric", epsilon = -1 }]')


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


def test_label_formats():
    assert label("a", {}) == "a"
    assert label("a", {"x": 0.5, "y": "z", "w": True}) == "a[x=0.5,y=z,w=true]"


def test_the_file_of_the_current_folder_comes_before_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "quickstart" in read_file(find_file()).benchmarks
    (tmp_path / "benchmarks.toml").write_text(BASE)
    assert set(read_file(find_file()).benchmarks) == {"b"}


def test_a_file_that_is_not_there():
    with pytest.raises(BadInput, match=r"nowhere\.toml"):
        find_file("nowhere.toml")
