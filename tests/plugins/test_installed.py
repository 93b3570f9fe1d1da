"""Which installed plugins are loaded, and what hooks are traced."""

import subprocess
import sys

import pytest

from privbench.errors import BadInput
from privbench.executors.payload import plugins_for
from privbench.executors.work import load_plugins
from privbench.plugins import installed
from privbench.plugins.host import PluginHost
from privbench.plugins.installed import OPTION, VARIABLE, Installed, check_installed

ATTACK = """
import privbench

class Mine(privbench.Attack):
    '''Zero.'''
    name = "{name}"

    def score(self, view):
        return 0.0 * view.labels

@privbench.hookimpl
def register_attacks(register):
    register(Mine)

@privbench.hookimpl
def register_commands(cli):
    import click
    cli.add_command(click.Command("{name}-command"))
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder with two installed plugins: one and two, of the distributions Pkg_One and pkg-two."""
    for name, distribution in (("one", "Pkg_One"), ("two", "pkg-two")):
        (tmp_path / f"module_{name}.py").write_text(ATTACK.format(name=name))
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0")
        (info / "entry_points.txt").write_text(f"[privbench]\n{name} = module_{name}\n")
    monkeypatch.syspath_prepend(tmp_path)
    real = installed.entry_points
    ours = {"one", "two"}
    monkeypatch.setattr(
        installed, "entry_points", lambda: [point for point in real() if point.name in ours]
    )
    return tmp_path


def loaded(host):
    return [plugin.name for plugin in host.plugins[1:]]


@pytest.mark.parametrize(
    ("variable", "off", "expected"),
    [
        (None, [], ["one", "two"]),
        (None, ["one"], ["two"]),
        (None, ["pkg.one"], ["two"]),  # distributions are compared as PEP 503 says
        (None, ["one", "pkg-two"], []),
        ("", [], []),
        ("one", [], ["one"]),
        (" pkg-one , two ", [], ["one", "two"]),
        ("one,two", ["two"], ["one"]),
    ],
)
def test_which_are_loaded(site, monkeypatch, variable, off, expected):
    monkeypatch.delenv(installed.VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(installed.VARIABLE, variable)
    host = PluginHost(installed=Installed.chosen(off))
    assert loaded(host) == expected
    assert sorted([*loaded(host), *host.switched_off]) == ["one", "two"]
    if not off:
        assert loaded(PluginHost()) == expected


def test_a_name_that_is_not_installed(site, monkeypatch):
    monkeypatch.setenv(installed.VARIABLE, "ones")
    with pytest.raises(
        BadInput, match=r"PRIVBENCH_LOAD_PLUGINS: no plugin 'ones' is installed; did"
    ):
        PluginHost()


def test_what_is_given_by_p_is_loaded_anyway(site, monkeypatch):
    monkeypatch.setenv(installed.VARIABLE, "")
    assert loaded(PluginHost(["module_two"])) == ["module_two"]


def test_a_worker_loads_the_same(site, monkeypatch):
    host = PluginHost(installed=Installed.chosen(["one"]))
    plugins = plugins_for(host, third_party=True)
    monkeypatch.setenv(installed.VARIABLE, "one")  # a worker may be on a machine with another one
    assert loaded(load_plugins(plugins)) == ["two"]


def test_calls_are_traced(site, monkeypatch, capsys):
    monkeypatch.setenv("PRIVBENCH_TRACE_PLUGINS", "1")
    host = PluginHost(installed=Installed(only=("one",)))
    host.call("register_commands", cli=None)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert "one: import [plugin]" in lines
    assert lines[lines.index("one: register_attacks [plugin]") + 1] == "    register: <function>"
    call = lines.index("one: register_commands [plugin]")
    assert lines[call + 1] == "    cli: None"
    assert lines[call + 2].startswith("  raised an exception after ")  # there is no group
    monkeypatch.setenv("PRIVBENCH_TRACE_PLUGINS", "0")
    PluginHost(installed=Installed(only=("one",)))
    assert capsys.readouterr().err == ""


def command(site, *arguments, **variables):
    """Run ``privbench`` in another process, in which the two plugins are installed."""
    import os

    path = os.pathsep.join([str(site), *sys.path])
    environment = os.environ | {"PYTHONPATH": path} | variables
    return subprocess.run(
        [sys.executable, "-m", "privbench", *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_on_the_command_line(site):
    done = command(
        site, "list", "attacks", "--no-plugin", "Pkg-One", PRIVBENCH_LOAD_PLUGINS="one,two"
    )
    assert "two" in done.stdout.split()
    assert "one" not in done.stdout.split()
    wrong = command(site, "list", "--no-plugin=tow", PRIVBENCH_LOAD_PLUGINS="one")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "error: --no-plugin: no plugin 'tow' is installed; did you mean 'two'?" in wrong.stderr
    wrong = command(site, "list", PRIVBENCH_LOAD_PLUGINS="tow")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "error: PRIVBENCH_LOAD_PLUGINS: no plugin 'tow'" in wrong.stderr
    assert "Traceback" not in wrong.stderr


@pytest.mark.parametrize(
    ("where", "hint"), [(OPTION, "leave that out"), (VARIABLE, "give it there")]
)
def test_a_file_is_no_installed_plugin(where, hint):
    with pytest.raises(BadInput) as raised:
        check_installed("mine.py", where)
    message = str(raised.value)
    assert message.startswith(f"{where}: no plugin 'mine.py' is installed (allowed: ")
    assert message.endswith(f"; a file is loaded only because -p names it: {hint}")
