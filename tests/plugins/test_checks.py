"""What registration refuses, and that the rest of a plugin goes on."""

import pytest

import privbench
from privbench.components import Component
from privbench.errors import PrivbenchError
from privbench.plugins.builtins import register_attacks
from privbench.plugins.checks import check_class, marked, mistakes_of, silent_of
from privbench.plugins.host import PluginHost

PLUGIN = """
import privbench
from pydantic import Field


class Bad(privbench.{base}):
    name = "bad"
    {word}: float = Field(1.0, description="collides")
    {method}


class Good(privbench.{base}):
    name = "good"
    strength: float = Field(1.0, description="collides with nothing")
    {method}


@privbench.hookimpl
def register_{kind}s(register):
    register(Bad)
    register(Good)
"""
METHODS = {
    "Attack": ("attack", "def score(self, view): ..."),
    "SyntheticAttack": ("attack", "def score(self, view): ..."),
    "DataMechanism": ("mechanism", "def apply(self, data, rng): ..."),
    "OutputMechanism": ("mechanism", "def apply(self, data, rng): ..."),
    "PerExampleLoss": ("mechanism", "def loss(self, forward, batch): ..."),
    "TorchModel": ("model", "def build(self, shape, n_classes): ..."),
    "Generator": ("generator", "def fit(self, data, rng): ..."),
    "Dataset": ("dataset", "def load(self): ..."),
    "Executor": ("executor", "def execute(self, tasks): ..."),
}
WORDS = [
    ("DataMechanism", "acts_on", "DataMechanism"),
    ("DataMechanism", "params", "Component"),
    ("DataMechanism", "kind", "Mechanism"),
    ("DataMechanism", "paper", "Component"),
    ("DataMechanism", "seedless", "Component"),
    ("DataMechanism", "skip", "Mechanism"),
    ("DataMechanism", "guarantee", "Mechanism"),
    ("DataMechanism", "record_wise", "Mechanism"),
    ("DataMechanism", "model_fields", "BaseModel"),
    ("DataMechanism", "model_dump", "BaseModel"),
    ("DataMechanism", "model_fields_set", "BaseModel"),
    ("DataMechanism", "copy", "BaseModel"),
    ("OutputMechanism", "resolution", "OutputMechanism"),
    ("OutputMechanism", "needs_fit", "OutputMechanism"),
    ("OutputMechanism", "fit", "OutputMechanism"),
    ("PerExampleLoss", "train_population", "PerExampleLoss"),
    ("TorchModel", "augmentation", "TorchModel"),
    ("TorchModel", "recipe", "TorchModel"),
    ("Generator", "fit_population", "Generator"),
    ("Generator", "restore", "Generator"),
    ("Attack", "observes", "Attack"),
    ("Attack", "queries", "Attack"),
    ("Attack", "score_all", "Attack"),
    ("SyntheticAttack", "observes", "SyntheticAttack"),
    ("Dataset", "to_download", "Dataset"),
    ("Executor", "kind", "Executor"),
]


@pytest.fixture
def load(tmp_path):
    def load(text, file="mine.py"):
        path = tmp_path / file
        path.write_text(text)
        return PluginHost([str(path)], installed=False)

    return load


@pytest.mark.parametrize(("base", "word", "owner"), WORDS)
def test_a_parameter_that_collides_with_the_contract(load, base, word, owner):
    kind, method = METHODS[base]
    host = load(PLUGIN.format(base=base, kind=kind, word=word, method=method))
    (failure,) = host.failures
    assert failure.plugin.endswith("mine.py")
    assert failure.place == f"checks in register_{kind}s"
    assert failure.message == (
        f"Bad: a parameter cannot be called {word!r}, which {owner} uses for something else; rename it"
    )
    names = set(host.registry(kind).entries)
    assert "good" in names  # the plugin's other component
    assert "bad" not in names
    assert "lira" in host.registry("attack").entries


def test_a_name_that_is_a_parameter(load):
    kind, method = METHODS["Attack"]
    text = PLUGIN.format(base="Attack", kind=kind, word="x", method=method)
    text = text.replace('name = "bad"', 'name: str = "bad"')
    (failure,) = load(text).failures
    assert "a parameter cannot be called 'name', which Component uses" in failure.message


def test_a_declared_parameter_may_be_given_another_default(load):
    kind, method = METHODS["TorchModel"]
    text = PLUGIN.format(base="TorchModel", kind=kind, word="lr", method=method)
    host = load(text)
    assert host.failures == []
    assert host.registry("model").get("bad", "here").build({}, "here").component.lr == 1.0


def test_a_subclass_of_a_built_in_may_not_hide_what_that_uses(load):
    text = """
import privbench
from privbench.attacks.lira import Lira

class Mine(Lira):
    name = "mine"
    score_all: int = 3

@privbench.hookimpl
def register_attacks(register): register(Mine)
"""
    assert "cannot be called 'score_all'" in load(text).failures[0].message


@pytest.mark.parametrize("name", [r"caf\udce9", "two words", "line\\n", "", " "])
def test_a_name_that_cannot_be_written(load, name):
    kind, method = METHODS["Attack"]
    text = PLUGIN.format(base="Attack", kind=kind, word="x", method=method)
    (failure,) = load(text.replace('"bad"', f'"{name}"')).failures
    assert "is not allowed (allowed: printable characters without spaces)" in failure.message
    failure.message.encode()


@pytest.mark.parametrize(
    ("base", "line", "message"),
    [
        (
            "DataMechanism",
            'acts_on = "records"',
            "acts_on = 'records' is not allowed (allowed: 'data', 'latent', 'training', 'output')",
        ),
        ("Attack", 'observes = "logits"', "observes = 'logits' is not allowed"),
        (
            "Attack",
            "needs_shadows = True",
            "needs_shadows = True is not allowed (allowed: 'no', 'any', 'same records')",
        ),
    ],
)
def test_a_declaration_that_is_not_allowed(load, base, line, message):
    kind, method = METHODS[base]
    text = PLUGIN.format(base=base, kind=kind, word="x", method=method)
    (failure,) = load(text.replace('name = "bad"', f'name = "bad"; {line}')).failures
    assert message in failure.message


def test_components_of_the_wrong_kind():
    class Mine(privbench.Attack):
        name = "mine"

        def score(self, view): ...

    check_class(Mine, "attack")
    with pytest.raises(
        PrivbenchError, match="Mine is of kind attack; register_models takes models"
    ):
        check_class(Mine, "model")
    with pytest.raises(PrivbenchError, match="register the class, not an instance"):
        check_class(Mine(), "attack")
    with pytest.raises(PrivbenchError, match=r"is no attack: subclass privbench\.Attack"):
        check_class(Component, "attack")


def test_whatever_is_raised_in_a_plugin_is_its_failure(load):
    for text, message in (
        ("raise BaseException('caf\\udce9')", r"BaseException: caf\udce9"),
        ("raise GeneratorExit", "GeneratorExit"),
    ):
        (failure,) = load(text).failures
        assert failure.place == "import"
        assert failure.message == message
        failure.traceback.encode()
    with pytest.raises(KeyboardInterrupt):
        load("raise KeyboardInterrupt")


def test_hooks_of_a_module_are_looked_through():
    import types

    module = types.ModuleType("mine")
    module.register_attacks = register_attacks
    assert list(marked(module)) == ["register_attacks"]
    assert mistakes_of(module) == []
    assert silent_of(module, "mine") == []
    module.register_models = lambda register: None
    assert silent_of(module, "mine") == ["is @privbench.hookimpl missing above register_models?"]
