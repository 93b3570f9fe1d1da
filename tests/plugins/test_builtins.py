"""The built-in components, which come in through the hooks that everybody uses."""

import pytest

from privbench.plugins import builtins
from privbench.plugins.checks import check_class, marked, mistakes_of
from privbench.plugins.host import PluginHost

NAMES = {
    "dataset": {
        "digits", "location30", "adult", "mnist", "fashion-mnist", "cifar10", "csv", "npz", "images"
    },
    "generator": {"vae", "gaussian-copula"},
    "mechanism": {"metric-privacy", "dp-sgd", "output-noise", "memguard", "hamp", "selena"},
    "model": {"mlp", "logistic", "cnn", "resnet9"},
    "attack": {"gap", "loss", "modified-entropy", "shokri", "lira", "rmia", "dcr", "domias"},
    "executor": {"local", "processes"},
}  # fmt: skip


@pytest.mark.parametrize("kind", NAMES)
def test_they_register(host, kind):
    assert host.failures == []
    assert set(host.registry(kind).entries) >= NAMES[kind]


def test_they_keep_the_rules_of_plugins(host: PluginHost):
    assert mistakes_of(builtins) == []
    assert len(marked(builtins)) == len(NAMES)
    for kind in NAMES:
        for entry in host.registry(kind):
            check_class(entry.cls, kind)
            assert not entry.third_party


def test_every_component_and_parameter_is_described(host):
    for registry in host.registries.values():
        for entry in registry:
            assert entry.cls.__doc__, entry.name
            for name, field in entry.cls.model_fields.items():
                assert field.description, f"{entry.name}.{name}"
