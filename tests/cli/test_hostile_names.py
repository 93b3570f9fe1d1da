"""No command prints what acts on a terminal, whatever a plugin or a file of benchmarks says."""

import logging
import re

import pytest

from privbench.cli.console import LogHandler, console

from .helpers import printed

HOSTILE = "\x1b[31mevil\x07\u202e\u200b\nfailed  it"
PLUGIN = '''
class Mine(privbench.Attack):
    """A summary {name}.

    More of it {name}.
    """
    name = "evil"  # others are refused
    paper = "{name}"
    power: float = Field(1.0, gt=0, description="exponent {name}")

    def score(self, view): ...

@hookimpl
def register_attacks(register):
    register(Mine)
'''
BROKEN = 'raise ValueError("{name}")\n'
DEFENSE = """
[defenses."{name}"]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[benchmarks."{name}"]
datasets = ["digits"]
models = ["mlp"]
defenses = ["{name}"]
attacks = ["loss"]
"""
QUOTED = HOSTILE.encode("ascii", "backslashreplace").decode().replace("\x1b", r"\u001b")
QUOTED = QUOTED.replace("\x07", r"\u0007").replace("\n", r"\n")
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "evil.toml"
    path.write_text(DEFENSE.format(name=QUOTED), encoding="utf-8")
    return path


@pytest.fixture
def mine(plugin):
    return plugin(PLUGIN.format(name=QUOTED))


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "attacks"], ["show", "attack", "evil"], ["plugins"], ["plugins", "-v"], ["doctor"],
    ],
)  # fmt: skip
def test_components(cli, mine, plugin, arguments):
    broken = plugin(BROKEN.format(name=QUOTED), "broken.py")
    result = cli(*arguments, "-p", mine, "-p", broken)
    output = result.stdout + result.stderr
    assert not UNSEEN.search(output)
    assert r"\x1b[31mevil\x07\u202e\u200b" in output
    has_lines = arguments[0] == "show" or "-v" in arguments  # a description, a traceback
    assert has_lines or not any(line.startswith("failed  it") for line in output.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "defenses"], ["list", "benchmarks"], ["show", "defense", HOSTILE],
        ["show", "benchmark", HOSTILE], ["show", "benchmark", "other"],
        ["run", HOSTILE, "--dry-run", "-v"], ["run"],
    ],
)  # fmt: skip
def test_benchmarks(cli, file, arguments):
    result = cli(*arguments, "-c", file)
    output = result.stdout + result.stderr
    assert not UNSEEN.search(output)
    assert "evil" in output
    assert not any(line.startswith("failed  it") for line in output.splitlines())


def test_json_gives_names_back(cli, file):
    lines = printed(cli("list", "defenses", "--json", "-c", file))
    assert HOSTILE in [line["name"] for line in lines]


def test_messages_keep_their_lines_and_nothing_else(capsys):
    console.cache_clear()
    record = logging.LogRecord(
        "privbench", logging.WARNING, "", 0, HOSTILE + " :warning: [b]", (), None
    )
    LogHandler().emit(record)
    err = capsys.readouterr().err
    console.cache_clear()
    shown = HOSTILE.encode("ascii", "backslashreplace").decode().replace("\x1b", r"\x1b")
    assert err == f"warning: {shown} :warning: [b]\n".replace("\x07", r"\x07")


def test_commands_print_through_one_function():
    """`click.echo` would print as it is what a plugin says."""
    from pathlib import Path

    import privbench.cli

    folder = Path(privbench.cli.__file__).parent
    direct = [path.name for path in folder.rglob("*.py") if "click.echo" in path.read_text("utf-8")]
    assert direct == ["output.py"]
