"""What docs/ shows is there and works: hooks, plugins, benchmarks, commands."""

import dataclasses
import inspect
import json
import math
import re
import shlex
import tomllib
from pathlib import Path

import click
import jsonschema
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import privbench
from privbench import hookspecs
from privbench.cli import BUILTIN_COMMANDS, build_cli
from privbench.config import Unavailable, read_file, resolve
from privbench.plugins.host import PluginHost

ROOT = Path(__file__).parent.parent
TUTORIALS = (ROOT / "docs" / "tutorials").glob("*.md")
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *TUTORIALS, ROOT / "README.md"])
HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, "privbench_spec")]
MARGIN = ROOT / "docs" / "examples" / "margin.py"


def blocks(page, language):
    """The fenced code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def hooks_of(code):
    return re.findall(r"hookimpl\ndef (\w+)", code)


def classes_of(code):
    return re.findall(r"^    register\((\w+)\)", code, re.MULTILINE)


PLUGINS = {
    f"{page.name}: {[*classes_of(code), *hooks_of(code)][0]}": code
    for page in PAGES
    for code in blocks(page, "python")
    if hooks_of(code)
} | {"hookspecs.py": hookspecs.__doc__.partition("\n\n")[2]}


def commands(page):
    """What a page shows on lines of their own, and in its sentences unless it only names a pattern."""
    text = page.read_text()
    lines = re.findall(r"^(?: {4}|\$ )?(privbench .+)$", text, re.MULTILINE)
    inline = re.findall(r"`(privbench [^`\n|]+)`", text)
    return lines + [command for command in inline if not re.search(r"\b[A-Z]{2}", command)]


@pytest.fixture
def block(tmp_path):
    """Writes one of PLUGINS, and returns its path."""

    def block(name):
        path = tmp_path / f"{name.split()[-1].removesuffix('.py')}.py"
        path.write_text(PLUGINS[name])
        return path

    return block


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_with_its_signature_and_an_example(hook):
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"### {hook}({arguments})\n" in (ROOT / "docs" / "plugins.md").read_text()
    assert any(hook in hooks_of(code) for code in PLUGINS.values())


@pytest.mark.parametrize("name", PLUGINS)
def test_every_plugin_registers_what_it_says(block, name):
    host = PluginHost([str(block(name))], installed=False)
    assert host.failures == []
    plugin = host.plugins[-1]
    hooks = hooks_of(PLUGINS[name])
    assert sorted(plugin.hooks) == sorted(hooks)
    registered = [(f"register_{one.kind}s", one.cls.__name__) for one in plugin.components]
    assert registered == [(hooks[0], cls) for cls in classes_of(PLUGINS[name])]


@pytest.mark.parametrize(
    "base",
    [
        *(
            "Attack",
            "SyntheticAttack",
            "Dataset",
            "Executor",
            "Generator",
            "TorchModel",
            "EstimatorModel",
        ),
        *("DataMechanism", "LatentMechanism", "OutputMechanism", "PerExampleLoss", "TrainingLoop"),
    ],
)
def test_every_class_to_subclass_has_an_example(base):
    examples = [text for name, text in PLUGINS.items() if name.startswith("plugins.md")]
    assert any(f"(privbench.{base}):" in text for text in examples)


@pytest.mark.parametrize(
    "cls",
    [
        privbench.Outputs,
        privbench.Condition,
        privbench.Guarantee,
        privbench.GuaranteeContext,
        privbench.OutputContext,
        privbench.SyntheticView,
        privbench.TrainingTask,
        privbench.View,
    ],
)
def test_every_field_and_method_of_what_components_are_given_is_explained(cls):
    text = (ROOT / "docs" / "plugins.md").read_text()
    fields = [field.name for field in dataclasses.fields(cls) if field.name[0] != "_"]
    methods = [name for name in vars(cls) if callable(getattr(cls, name)) and name[0] != "_"]
    if cls in (privbench.Condition, privbench.Guarantee):  # its methods are for tables
        methods = []
    rows = [
        line.partition("|")[2].partition("|")[0] for line in text.splitlines() if line[:1] == "|"
    ]
    for name in [*fields, *methods]:
        assert any(re.search(rf"`{name}\b", row) for row in rows), name


def test_the_command_of_the_page(block):
    host = PluginHost([str(block("plugins.md: register_commands"))], installed=False)
    result = CliRunner().invoke(build_cli(host), ["hello"])
    assert (host.failures, result.exit_code, result.stdout) == ([], 0, "hello\n")


def test_the_plugins_of_the_page_work_together(cli, block, tmp_path):
    (tmp_path / "benchmarks.toml").write_text(
        """
        [defenses.means]
        generator = "means"
        [defenses.jitter]
        mechanisms = ["jitter"]
        [defenses.grid]
        generator = "means"
        mechanisms = ["grid"]
        [defenses.smoothing]
        mechanisms = [{ name = "smoothing", amount = 0.2 }]
        [defenses.mixup-loop]
        mechanisms = ["mixup-loop"]
        [defenses.one-label]
        mechanisms = ["one-label"]
        [benchmarks.all]
        datasets = ["rings"]
        models = [{ name = "tiny", epochs = 1 }, "neighbours"]
        defenses = ["none", "means", "jitter", "grid", "smoothing", "mixup-loop", "one-label"]
        attacks = ["margin", "confidence"]
        population = 3
        pool = 60
        canaries = 0
        """
    )
    names = [name for name in PLUGINS if name.startswith(("plugins.md", "hookspecs"))]
    names.remove("plugins.md: register_commands")
    chosen = [word for name in names for word in ("-p", block(name))]
    result = cli("run", "all", *chosen, "--executor", "loud", "--device", "cpu", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert len(rows) == 7 * 2 * 2 * 2  # defenses, models, attacks, knowledge
    skipped = {(row["model"], row["defense"]) for row in rows if row["status"] != "ok"}
    assert skipped == {("neighbours", "smoothing"), ("neighbours", "mixup-loop")}
    guarantees = {row["defense"]: row["guarantee"] for row in rows if row["guarantee"]}
    assert guarantees.keys() == {"one-label"}
    assert guarantees["one-label"]["epsilon"] == pytest.approx(math.log(3))
    assert "56 trials, " in result.stderr
    assert "next: population rings/smoothing/tiny (records)" in result.stderr


def component(block, name, **params):
    """One of the components of the page."""
    plugin = PluginHost([str(block(name))], installed=False).plugins[-1]
    return plugin.components[0].build(params, "here").component


def test_the_guarantee_of_the_page_is_the_ratio_of_its_probabilities(block):
    mechanism = component(block, "plugins.md: OneLabel", mix=0.6)
    certain = np.tile([1.0, 0.0, 0.0], (200_000, 1))
    answers = mechanism.apply(certain, np.random.default_rng(0))
    assert (answers.sum(1) == 1).all()
    spec = privbench.DataSpec("tabular", (2,), 3)
    stated = mechanism.guarantee(privbench.GuaranteeContext(spec, 10, None, "none"))
    chosen, other = answers[:, 0].mean(), answers[:, 1].mean()
    assert chosen / other == pytest.approx(math.exp(stated.epsilon), rel=0.02)  # other: 20%, +-0.1%


def test_the_neighbours_of_the_page_are_those_of_scikit_learn(block):
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    x, y, new = rng.normal(size=(40, 3)), rng.integers(0, 3, 40), rng.normal(size=(9, 3))
    found = component(block, "plugins.md: Neighbours", k=4).fit(x, y, 3, rng).predict_proba(new)
    assert found == pytest.approx(KNeighborsClassifier(4).fit(x, y).predict_proba(new))


def test_the_page_on_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {}
    for code in blocks(ROOT / "docs" / "python.md", "python"):
        exec(code, found)
    assert isinstance(found["frame"], pd.DataFrame)
    assert set(found["frame"]["status"]) == {"ok"}
    assert found["summary"].auc_ci[0] > 0.5  # an overfitted network leaks


def test_the_page_on_bounds_prints_what_it_says(capsys):
    (code,) = blocks(ROOT / "docs" / "auditing-epsilon.md", "python")
    exec(code, {})
    said = re.findall(r"print.*# ([^:\n]+)", code)
    assert capsys.readouterr().out.split() == said


def test_the_attack_in_25_lines(cli, config):
    assert len(MARGIN.read_text().splitlines()) <= 26
    text = config.read_text().replace("epochs = 10", "epochs = 60")
    config.write_text(text.replace("hidden = [16]", "hidden = [64]"))
    chosen = ("-p", MARGIN, "--set", 'attacks=["margin"]', "-k", "none and adaptive", "--json")
    result = cli("run", "small", *chosen)
    assert result.exit_code == 0, result.output
    (records,) = [row for row in json.loads(result.stdout) if row["subset"] == "records"]
    assert records["auc_ci"][0] > 0.5


@pytest.mark.parametrize(
    "text",
    [
        (ROOT / "benchmarks.toml").read_text(),
        *(text for page in PAGES for text in blocks(page, "toml") if "[benchmarks." in text),
    ],
    ids=lambda text: re.search(r"\[benchmarks\.(.+)\]", text)[1],
)
def test_benchmarks_resolve(text, tmp_path, host):
    path = tmp_path / "benchmarks.toml"
    path.write_text(text)
    file = read_file(path)
    assert file.benchmarks
    for name in file.benchmarks:
        found = resolve(file, name, host.registries)
        parts = [*found.datasets, *found.models, *found.defenses, *found.attacks]
        assert not [part.reason for part in parts if isinstance(part, Unavailable)]
    schema = json.loads((ROOT / "benchmarks.schema.json").read_text())
    jsonschema.validate(tomllib.loads(text), schema)


@pytest.fixture
def only_parse(monkeypatch):
    """Built-in commands that take their arguments and do nothing."""

    def disarm(command):
        if isinstance(command, click.Group):
            for inner in command.commands.values():
                disarm(inner)
        else:
            monkeypatch.setattr(command, "callback", lambda **_: None)

    for command in BUILTIN_COMMANDS:
        disarm(command)


@pytest.mark.parametrize("command", sorted({one for page in PAGES for one in commands(page)}))
def test_commands_exist_with_their_options(only_parse, host, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command.removesuffix("\\"), comments=True)
    words = words[: words.index(">")] if ">" in words else words
    for plugin in (word for word in words if word.endswith(".py")):
        Path(plugin).parent.mkdir(parents=True, exist_ok=True)
        Path(plugin).touch()
    result = CliRunner().invoke(build_cli(host), words[1:])
    assert result.exit_code == 0, result.output
