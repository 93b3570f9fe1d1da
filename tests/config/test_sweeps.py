"""Lists of values where a parameter is a scalar."""

import pytest

from privbench.config import label, sweep
from privbench.errors import BadInput


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


def test_labels_of_two_sweeps_with_equal_values_show_what_else_is_given(load):
    one, other = (
        f'{{ name = "vae-metric", epsilon = [1.0, 2.0], latent_dim = {d} }}' for d in (4, 8)
    )
    labels = [d.label for d in load(defenses=f"[{one}, {other}]").defenses]
    assert labels == [
        f"vae-metric[epsilon={epsilon},latent_dim={d}]" for d in (4, 8) for epsilon in (1, 2)
    ]


def test_an_empty_sweep_is_a_mistake(load):
    with pytest.raises(BadInput, match=r"models\[0\]\.lr: \[\] is an empty sweep"):
        load(models='[{ name = "mlp", lr = [] }]')


def test_label_formats():
    assert label("a", {}) == "a"
    assert label("a", {"x": 0.5, "y": "z", "w": True}) == "a[x=0.5,y=z,w=true]"


def test_all_parameters_come_with_the_swept_ones(host):
    cls = host.registry("model").get("mlp", "").cls
    params = {"lr": [0.1, 0.2], "epochs": 3}
    assert list(sweep(cls, params, "models[0]")) == [
        ({"lr": 0.1, "epochs": 3}, {"lr": 0.1}),
        ({"lr": 0.2, "epochs": 3}, {"lr": 0.2}),
    ]
    assert list(sweep(cls, {}, "models[0]")) == [({}, {})]
