"""What docs/ shows is there and works: hooks, plugins, benchmarks, commands."""

import inspect
import json
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from privbench import hookspecs
from privbench.cli import BUILTIN_COMMANDS, build_cli
from privbench.config import read_file, resolve
from privbench.plugins import PluginHost

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, "privbench_spec")]
MARGIN = ROOT / "docs" / "examples" / "margin.py"


def blocks(page, language):
    """The fenced code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def hooks_of(code):
    return re.findall(r"hookimpl\ndef (\w+)", code)


PLUGINS = {
    f"{page.name}: {hooks_of(code)[0]}": code
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
    classes = re.findall(r"^    register\((\w+)\)", PLUGINS[name], re.MULTILINE)
    assert registered == [(hooks[0], cls) for cls in classes]


def test_the_command_of_the_page(block):
    host = PluginHost([str(block("plugins.md: register_commands"))], installed=False)
    result = CliRunner().invoke(build_cli(host), ["hello"])
    assert (host.failures, result.exit_code, result.stdout) == ([], 0, "hello\n")


def test_the_plugins_of_the_page_work_together(cli, block, tmp_path):
    (tmp_path / "benchmarks.toml").write_text(
        """
        [defenses.means]
        generator = "means"
        [defenses.smoothing]
        mechanisms = [{ name = "smoothing", amount = 0.2 }]
        [benchmarks.all]
        datasets = ["rings"]
        models = [{ name = "tiny", epochs = 1 }]
        defenses = ["none", "means", "smoothing"]
        attacks = ["margin", "confidence"]
        population = 3
        pool = 60
        canaries = 0
        """
    )
    kinds = ("datasets", "generators", "mechanisms", "models", "attacks", "executors")
    names = ["plugins.md: run_started", *(f"plugins.md: register_{kind}" for kind in kinds)]
    chosen = [word for name in [*names, "hookspecs.py"] for word in ("-p", block(name))]
    result = cli("run", *chosen, "--executor", "loud", "--device", "cpu", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert {row["status"] for row in rows} == {"ok"}
    assert len(rows) == 12
    assert "12 trials, " in result.stderr
    assert "next: population rings/smoothing/tiny (records)" in result.stderr


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
        found = resolve(file, name, host)
        parts = [*found.datasets, *found.models, *found.defenses, *found.attacks]
        assert not [part.unavailable for part in parts if part.unavailable]


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
    for plugin in (word for word in words if word.endswith(".py")):
        Path(plugin).touch()
    result = CliRunner().invoke(build_cli(host), words[1:])
    assert result.exit_code == 0, result.output
