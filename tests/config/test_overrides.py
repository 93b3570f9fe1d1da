"""``--set KEY=VALUE``."""

import pytest

from privbench.config import Overrides
from privbench.errors import BadInput

from .conftest import refused


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
        ("dp-sgd.same_start=true", ["same_start: true needs pretrained_on"]),
        ("dp-sgd.epsilon=8.0", ["exactly one of epsilon", "(with --set dp-sgd.epsilon)"]),
        ("none.epsilon=8.0", ["--set none.epsilon: none has no parameter 'epsilon'"]),
        ('models=[{name = "mlp", lr = -1}]', ["--set models[0].lr: -1"]),
        ('attacks=["lyra"]', ["--set attacks[0]: unknown attack", "(a plugin of yours? give -p)"]),
        ("attacks=lira", ["--set attacks: 'lira' is no list; put it in [ ]: [\"lira\"]"]),
    ],
)
def test_wrong_overrides(load, text, words):
    message = refused(words, load, set=[text], defenses='["none", "vae-metric", "both"]')
    assert "b.toml: benchmarks" not in message


def test_values_are_toml_or_else_strings():
    overrides = Overrides.parse(["a.x=1", "a.y = [1, 2]", "a.z=two words", 'a.w="=1"'])
    assert overrides.values == {"a.x": 1, "a.y": [1, 2], "a.z": "two words", "a.w": "=1"}
    assert overrides.texts() == ["a.x=1", "a.y=[1,2]", "a.z=two words", "a.w==1"]


def test_only_what_is_looked_up_is_applied():
    overrides = Overrides({"mlp.lr": 0.1, "cnn.lr": 0.2, "population": 8})
    assert overrides.of("mlp", {"lr", "epochs"}) == {"lr": 0.1}
    assert overrides.of_benchmark() == {"population": 8}
    with pytest.raises(BadInput, match=r"--set cnn.lr: no dataset, model"):
        overrides.check()
    assert overrides.of("cnn", None) == {"lr": 0.2}  # of a component that is unavailable
    overrides.check()
