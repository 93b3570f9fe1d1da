"""Defenses: which component a parameter goes to, and which components go together."""

import pytest

from privbench.errors import BadInput

from .conftest import BASE, refused


def test_sweeps_inside_a_defense(load):
    text = BASE.replace("epsilon = 8.0", "epsilon = [8.0, 4.0]")
    labels = [d.label for d in load(text, defenses='["vae-metric"]').defenses]
    assert labels == ["vae-metric[epsilon=8]", "vae-metric[epsilon=4]"]


def test_qualified_parameters_of_a_defense(load):
    spec = '[{ name = "both", "output-noise.delta" = 1e-6 }]'
    defense = load(defenses=spec).defenses[0]
    assert defense.mechanisms[1].component.delta == 1e-6
    assert defense.mechanisms[0].component.delta != 1e-6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"defenses": '[{ name = "none", epsilon = 1.0 }]'},
            ["defenses[0].epsilon", "'none' has no parameter 'epsilon'"],
        ),
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
def test_mistakes_beside_the_name_of_a_defense(load, changes, words):
    assert "\n" not in refused(words, load, **changes)


def test_a_value_beside_the_name_of_a_defense_is_blamed_there(load):
    with pytest.raises(BadInput, match=r"benchmarks\.b\.defenses\[0\]\.epsilon: -1"):
        load(defenses='[{ name = "vae-metric", epsilon = -1 }]')


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
        (
            'mechanisms = ["input-noise", "public-only"]',
            ["public-only reads no private record, so input-noise before it is without effect"],
        ),
    ],
)
def test_mistakes_in_a_pipeline(load, pipeline, words):
    refused(words, load, f"[defenses.x]\n{pipeline}\n{BASE}", defenses='["x"]')


PRECEDENCE = [
    ([], "", 8),
    ([], ", epsilon = 4.0", 4),
    (["vae-metric.epsilon=3"], ", epsilon = 4.0", 3),
    (["vae-metric.epsilon=3", "metric-privacy.epsilon=2"], ", epsilon = 4.0", 2),
]


@pytest.mark.parametrize(("overrides", "beside", "expected"), PRECEDENCE)
def test_which_value_a_parameter_takes(load, overrides, beside, expected):
    """From last to first: the file's pipeline, the benchmark, --set DEFENSE, --set COMPONENT."""
    (defense,) = load(set=overrides, defenses=f'[{{ name = "vae-metric"{beside} }}]').defenses
    assert defense.mechanisms[0].component.epsilon == expected


def test_two_training_mechanisms_are_a_mistake(load):
    twice = '[defenses.x]\nmechanisms = ["dropout", "mixup"]\n'
    with pytest.raises(
        BadInput, match="only one training mechanism is allowed, got dropout, mixup"
    ):
        load(twice + BASE, defenses='["x"]')


def test_swept_parameters_with_one_name_are_told_apart_by_their_component(load):
    spec = '[{ name = "both", "dp-sgd.delta" = [1e-6, 1e-7], "output-noise.delta" = [1e-5] }]'
    labels = [defense.label for defense in load(defenses=spec).defenses]
    assert labels == [
        f"both[dp-sgd.delta={delta},output-noise.delta=1e-05]" for delta in ("1e-06", "1e-07")
    ]
