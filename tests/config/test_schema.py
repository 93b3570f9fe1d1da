"""The JSON schema of benchmarks.toml: what it accepts, and what editors make of it."""

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from privbench.config.schema import DIRECTIVE, FILE, schema_for, schema_text
from privbench.plugins.host import PluginHost

from .conftest import BASE, problems_of
from .language_server import LanguageServer

ROOT = Path(__file__).parent.parent.parent
HEAD = f"{DIRECTIVE}\n"


def test_the_committed_file_is_what_the_code_says():
    # `make docs` writes it
    schema = schema_for(PluginHost(installed=False).registries)
    assert (ROOT / FILE).read_text() == schema_text(schema)
    jsonschema.Draft7Validator.check_schema(schema)


def test_the_shipped_file_is_accepted_and_names_the_schema():
    text = (ROOT / "benchmarks.toml").read_text()
    assert text.startswith(HEAD)
    assert problems_of(text) == []


# What `load` accepts in the other tests of this folder, the schema accepts: see conftest.py.
@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        ('attacks = ["loss"]', 'attacks = ["lsos"]', "benchmarks.b.attacks.0"),
        ('attacks = ["loss"]', 'attack = ["loss"]', "benchmarks.b"),
        ('attacks = ["loss"]', "attacks = []", "benchmarks.b.attacks"),
        ('attacks = ["loss"]', 'attacks = ["loss"]\npopulation = 1', "benchmarks.b.population"),
        ('attacks = ["loss"]', 'attacks = ["loss"]\ncanaries = 0.6', "benchmarks.b.canaries"),
        ('["loss"]', '[{ name = "lira", varianc = "global" }]', "benchmarks.b.attacks.0"),
        ('["loss"]', '[{ name = "lira", variance = "globl" }]', "benchmarks.b.attacks.0"),
        ('["mlp"]', '[{ name = "mlp", lr = "0.1" }]', "benchmarks.b.models.0"),
        ('["mlp"]', '[{ name = "mlp", lr = [] }]', "benchmarks.b.models.0"),
        ('["mlp"]', '[{ name = "mlp", hidden = 8 }]', "benchmarks.b.models.0"),
        ('["mlp"]', "[{ lr = 0.1 }]", "benchmarks.b.models.0"),
        ('["none"]', '[{ name = "both", sclae = 0.1 }]', "benchmarks.b.defenses.0"),
        ('["none"]', '[{ name = "both", "dp-sgd.delta" = 2 }]', "benchmarks.b.defenses.0"),
        ("latent_dim = 4", "latent_dim = 0", "defenses.vae-metric.generator"),
        ("epsilon = 8.0", "epsilon = -8.0", "defenses.vae-metric.mechanisms.0"),
        ('["digits"]', '["csv", { name = "csv" }]', "benchmarks.b.datasets.1"),
        ("[defenses.both]", "[defenses.none]", "defenses"),
        ("[benchmarks.b]", "[benchmark.b]", ""),
    ],
)
def test_a_mistake_is_found_where_it_is(before, after, at):
    assert BASE.count(before) == 1
    assert at in problems_of(BASE.replace(before, after))


def test_plugins_are_part_of_it(cli, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import privbench\nfrom pydantic import Field\n"
        "class Mine(privbench.Attack):\n"
        "    '''An attack of mine.'''\n"
        "    name = 'mine'\n"
        "    power: int = Field(2, ge=1, description='exponent')\n"
        "    def score(self, view): ...\n"
        "@privbench.hookimpl\ndef register_attacks(register): register(Mine)\n"
    )
    table = json.loads(cli("schema", "-p", "mine.py").stdout)["definitions"]["attack.mine"]
    assert table["properties"]["name"] == {"const": "mine", "description": "An attack of mine."}
    power = table["properties"]["power"]
    assert (power["description"], power["default"]) == ("exponent", 2)
    value = {"minimum": 1, "type": "integer"}
    assert power["anyOf"] == [value, {"type": "array", "items": value, "minItems": 1}]
    assert cli("schema", "-p", "mine.py", "-o", FILE).exit_code == 0
    assert "attack.mine" in json.loads((tmp_path / FILE).read_text())["definitions"]


def test_a_parameter_that_is_a_list_is_swept_by_a_list_of_lists():
    schema = json.loads((ROOT / FILE).read_text())
    hidden = schema["definitions"]["model.mlp"]["properties"]["hidden"]
    accepts = jsonschema.Draft7Validator(hidden).is_valid
    assert accepts([8])
    assert accepts([[8], [8, 4]])
    assert not accepts([8, [8]])
    assert not accepts(["8"])


def taplo(path):
    """What the linter of Taplo says of a file: the same code as in the editor plugin of that name."""
    if shutil.which("taplo") is None:
        pytest.skip("needs taplo, which `pip install .[dev]` installs")
    done = subprocess.run(
        ["taplo", "lint", path.name], cwd=path.parent, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_taplo_reads_the_schema_that_the_file_names(tmp_path):
    for name in ("benchmarks.toml", FILE):
        shutil.copy(ROOT / name, tmp_path)
    assert taplo(tmp_path / "benchmarks.toml")[0] == 0
    path = tmp_path / "wrong.toml"
    path.write_text(HEAD + BASE + "populatoin = 3\n")
    status, text = taplo(path)
    assert status == 1
    assert "('populatoin' was unexpected)" in text


BENCHMARK = "[benchmarks.b]\n"


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (BENCHMARK + "|", {"datasets", "models", "defenses", "attacks", "population", "seeds"}),
        (BENCHMARK + 'attacks = ["|"]', {'"lira"', '"rmia"', '"auto"'}),
        (BENCHMARK + 'attacks = [{ name = "|" }]', {'"lira"', '"rmia"', '"auto"'}),
        (BENCHMARK + 'defenses = ["|"]', {'"none"', '"dp-sgd"'}),
        (BENCHMARK + 'knowledge = ["|"]', {'"adaptive"', '"naive"'}),
        ("[defenses.d]\ngenerator = |", {'"vae"', '"gaussian-copula"'}),
        (BENCHMARK + 'attacks = [{ name = "lira", variance = | }]', {'"global"', '"shrunk"'}),
    ],
)
def test_an_editor_completes_keys_and_names(server, text, offered):
    assert offered <= set(server.completed(HEAD + text))


def test_an_editor_completes_the_parameters_of_the_component_that_is_named(server):
    mechanism = '[defenses.d]\nmechanisms = [{ name = "dp-sgd", | }]'
    parameters = set(server.completed(HEAD + mechanism))
    assert {"epsilon", "delta", "max_grad_norm"} <= parameters
    assert not {"name", "alpha", "scale"} & parameters  # given already, or of other mechanisms


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Tombi, a language server for TOML, in a folder with the schema."""
    if shutil.which("tombi") is None:
        pytest.skip("needs tombi, which `pip install .[dev]` installs")
    root = tmp_path_factory.mktemp("editor")
    shutil.copy(ROOT / FILE, root)
    with LanguageServer(["tombi", "lsp"], root) as server:
        yield server
