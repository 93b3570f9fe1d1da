"""``privbench plugins``, and commands of plugins. The host itself is tested in tests/test_plugins.py."""

import textwrap

import pytest
from click.testing import CliRunner

from privbench.cli import build_cli
from privbench.plugins.host import PluginHost

from .helpers import printed

COMMAND = """
    import click

    @click.command("{name}")
    def mine():
        '''Greet.'''
        click.echo("hello")

    @hookimpl
    def register_commands(cli):
        cli.add_command(mine)
    """


@pytest.fixture
def invoke():
    """Call a command line that was built with a plugin, as if it were installed."""

    def invoke(path, *arguments):
        host = PluginHost([str(path)], installed=False)
        return CliRunner().invoke(build_cli(host), arguments)

    return invoke


def test_the_built_ins(cli):
    found = printed(cli("plugins", "--json"))
    assert found["failures"] == []
    (builtins,) = found["plugins"]
    assert builtins["from"].startswith("privbench 0.")
    assert {"attack lira", "dataset digits", "executor local"} <= set(builtins["components"])
    assert "register_attacks" in builtins["hooks"]


def test_what_a_plugin_registers(cli, attack):
    path = attack()
    mine = printed(cli("plugins", "--json", "-p", path))["plugins"][1]
    assert mine == {
        "name": str(path),
        "from": str(path),
        "hooks": ["register_attacks"],
        "components": ["attack mine"],
        "changed": [],
    }
    lines = cli("plugins", "-v", "-p", path).stdout.splitlines()
    assert lines[lines.index(str(path)) + 1 :] == ["  attacks:  mine"]


def test_the_short_table(cli, plugin, attack, host):
    first = attack()
    second = plugin(
        textwrap.dedent(COMMAND.format(name="greet")) + "@hookimpl\ndef run_started(plan): ...",
        "second.py",
    )
    lines = cli("plugins", "-p", "mine.py", "-p", second.name).stdout.splitlines()
    assert lines[0].split() == ["plugin", "version", "provides"]
    assert lines[1].split()[0] == "privbench"
    words = " ".join(" ".join(lines).split())
    assert f"{len(list(host.registry('attack')))} attacks" in words
    assert first.name in lines[-2].split()
    assert lines[-2].endswith("1 attack (mine)")
    assert lines[-1].endswith("commands, an observer")


def test_names_are_shortened_to_the_width(cli, plugin, monkeypatch):
    classes = "".join(
        f"class A{i}(privbench.Attack):\n    name = 'attack-{i}'\n    def score(self, view): ...\n"
        for i in range(20)
    )
    hook = "@hookimpl\ndef register_attacks(register):\n"
    plugin(classes + hook + "".join(f"    register(A{i})\n" for i in range(20)))

    def provided(width):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = cli("plugins", "-p", "mine.py").stdout.splitlines()
        assert max(map(len, lines)) <= width
        return lines[-1].partition("20 attacks")[2]

    assert "attack-19)" in provided(400)
    assert provided(80).endswith(" more)")
    assert provided(48) == ""


def test_a_long_path_leaves_room_for_the_other_columns(cli, attack, plugin, tmp_path, monkeypatch):
    folder = tmp_path / "where" / "somebody" / "keeps" / "many" / "plugins"
    folder.mkdir(parents=True)
    paths = [attack().rename(folder / "mine.py")]
    paths.append(plugin("raise OSError('no ' + 15 * 'word ')").rename(folder / "broken.py"))
    monkeypatch.setenv("COLUMNS", "80")
    result = cli("plugins", *(word for path in paths for word in ("-p", path)))
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (mine,) = [line.split("  ")[0] for line in lines if "1 attack (mine)" in line]
    assert mine == "…/many/plugins/mine.py"
    (broken,) = [line for line in lines if "OSError" in line]
    assert broken.split()[:2] == ["…/many/plugins/broken.py", "import"]
    assert len(broken) > 60  # the words of the last column are not one below the other
    assert str(paths[0]) in cli("plugins", "-v", "-p", paths[0]).stdout


@pytest.mark.parametrize("width", [60, 100])
def test_a_narrow_terminal_gets_whole_texts(cli, plugin, monkeypatch, width):
    """Lines of a wrapped text are not blocks of their own."""
    plugin("raise OSError('no ' + 15 * 'word ')")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("privbench.cli.output.terminal_width", lambda: width)
    words = " ".join(cli("plugins", "-p", "mine.py").stdout.split())
    assert "no value" not in words
    assert f"OSError: no {' '.join(15 * ['word'])}" in words


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("raise RuntimeError('no')", "import"),
        ("@hookimpl\ndef register_attack(register): ...", "hook"),
        ("@hookimpl\ndef register_attacks(register): raise OSError('no')", "registration"),
        ("@hookimpl\ndef register_attacks(register): register(privbench.Attack)", "checks"),
    ],
)
def test_a_failure_says_what_a_plugin_failed_in(cli, plugin, text, phase):
    plugin(text)
    lines = cli("plugins", "-p", "mine.py").stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("failed"))
    assert lines[start + 1].split()[:2] == ["mine.py", phase]
    (failure,) = printed(cli("plugins", "--json", "-p", "mine.py"), status=1)["failures"]
    assert failure["phase"] == phase


def test_no_line_is_wider_than_80_columns(cli, attack, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    attack()
    lines = cli("plugins", "-p", "mine.py").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("mine.py ")


def test_a_failing_plugin_beside_a_good_one(cli, plugin, attack):
    broken = plugin("raise RuntimeError('boom')", "broken.py")
    arguments = ("plugins", "-p", broken, "-p", attack())
    found = printed(cli(*arguments, "--json"), status=1)
    assert [one["components"] for one in found["plugins"][1:]] == [["attack mine"]]
    (failure,) = found["failures"]
    assert (failure["plugin"], failure["phase"]) == (str(broken), "import")
    assert failure["message"] == "RuntimeError: boom"
    result = cli(*arguments)
    assert result.exit_code == 1
    assert "/broken.py import RuntimeError: boom" in " ".join(result.stdout.split())
    assert "Traceback" not in result.stdout
    each = " ".join(cli(*arguments, "-v").stdout.split())
    assert f"FAILED {broken}, import: RuntimeError: boom" in each
    assert 'broken.py", line' in cli(*arguments, "-v").stdout


@pytest.mark.parametrize(
    ("annotation", "words"),
    [("np.ndarray", "numpy.ndarray"), ("'Nowhere'", "name 'Nowhere' is not defined")],
)
def test_a_parameter_whose_type_cannot_be_checked(cli, plugin, annotation, words):
    path = plugin(
        f"class Mine(privbench.Attack):\n    name = 'mine'\n    power: {annotation}\n"
        "    def score(self, view): ...\n"
        "@hookimpl\ndef register_attacks(register): register(Mine)"
    )
    found = printed(cli("plugins", "--json", "-p", path), status=1)
    assert found["plugins"][1]["components"] == []
    (failure,) = found["failures"]
    assert (failure["phase"], failure["hook"]) == ("checks", "register_attacks")
    assert "the parameters of Mine cannot be checked" in failure["message"]
    assert words in failure["message"]


def test_a_command_of_a_plugin(invoke, plugin):
    result = invoke(plugin(COMMAND.format(name="greet")), "greet")
    assert (result.exit_code, result.stdout) == (0, "hello\n")


def test_a_command_with_a_taken_name(invoke, plugin):
    path = plugin(COMMAND.format(name="list"))
    (failure,) = printed(invoke(path, "plugins", "--json"), status=1)["failures"]
    assert (failure["phase"], failure["hook"]) == ("registration", "register_commands")
    assert "there is already a command 'list'" in failure["message"]
    assert "lira" in invoke(path, "list", "attacks").stdout


def test_a_plugin_that_raises_for_its_commands(invoke, plugin):
    path = plugin("@hookimpl\ndef register_commands(cli): raise OSError('no')")
    result = invoke(path, "--help")
    assert result.exit_code == 0
    assert "doctor" in result.stdout
    (failure,) = printed(invoke(path, "plugins", "--json"), status=1)["failures"]
    assert failure["message"] == "OSError: no"
