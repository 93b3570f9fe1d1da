"""What ``privbench run`` says of failures: the last of the log, and a command that reproduces one."""

import shlex

import pytest
from click.testing import CliRunner

from privbench.cli import build_cli
from privbench.config.selection import exactly
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost
from privbench.storage.history import History

from .helpers import printed

LOGS = """
import logging
        logging.getLogger("privbench.mine").warning("about to fail, password=hunter2")
        logging.getLogger("privbench.mine").debug("very soon")
        raise ValueError("no\\x1b[31m")
"""
BODY = "; ".join(line.strip() for line in LOGS.strip().splitlines())
ATTACKS = 'attacks=["mine", "loss"]'


def command_in(text):
    """The words of the first command that is printed."""
    lines = text.splitlines()
    return shlex.split(lines[lines.index("  to see it alone:") + 1])[1:]


def test_the_command_reproduces_one_trial(run, attack, cli, tmp_path):
    """It is run as it is printed; every option that matters is in it."""
    file = attack(BODY, file="my attack.py")
    chosen = ("-k", "none", "--set", "population=2", "--set", ATTACKS, "--results", "my res")
    result = run("small", "-p", file.name, *chosen, "--json")
    assert result.exit_code == 1
    rows = printed(result, 1)
    assert {row["attack"]: row["status"] for row in rows} == {"mine": "failed", "loss": "ok"}
    said = result.stderr
    assert "failed: scores: mine: ValueError: no\\x1b[31m (my attack.py:" in said
    trial = next(line for line in said.splitlines() if line.startswith("  trial: "))
    assert trial.endswith("/none/mlp/mine/adaptive/seed=0 and 1 more")
    assert "  stage: scores mine on" in said
    assert "  warning: about to fail, password=***\n  debug: very soon\n" in said
    assert "in score" in said
    assert "log: `privbench runs log 1 --level error --results 'my res'`" in said
    assert said.count("to see it alone") == 1
    words = command_in(said)
    assert words[:4] == ["run", "small", "-p", "my attack.py"]
    again = cli(*words, "--json")
    (row,) = printed(again, 1)
    assert (row["attack"], row["knowledge"], row["status"]) == ("mine", "adaptive", "failed")
    assert "Traceback" in again.stderr
    assert again.stderr.count("very soon") >= 2  # with -v, and at the end
    assert command_in(again.stderr) == words
    log = cli("runs", "log", "1", "--level", "error", "--results", "my res").stdout
    assert log.count(" error ") == 1
    assert "raise ValueError" in log


WORKER = """
        import os

        class Dies(privbench.Attack):
            '''It ends its process.'''
            name = "dies"

            def score(self, view):
                print("last words\x1b[2J", flush=True)
                os._exit(3)

        @hookimpl
        def register_attacks(register):
            register(Dies)
"""


def test_what_a_worker_said_before_it_died(run, plugin, cli, monkeypatch):
    monkeypatch.delenv("PRIVBENCH_IN_PROCESS")
    file = plugin(WORKER)
    settings = ("--set", "population=2", "--set", 'attacks=["dies"]', "--timeout", "900")
    result = run("small", "-p", file.name, "-k", "none and adaptive", *settings, "--json")
    assert [row["status"] for row in printed(result, 1)] == ["failed"]
    assert "info: printed: last words\\x1b[2J" in result.stderr
    words = command_in(result.stderr)
    assert words[words.index("--timeout") + 1] == "900.0"
    assert "--in-process" not in words, "which would end with it"
    log = cli("runs", "log", "1", "--stage", "scores dies").stdout
    assert "mine.py: printed: last words\\x1b[2J" in log


def test_failures_are_at_most_a_screen(run, plugin):
    many = "\n".join(
        f"""
        class Mine{i}(privbench.Attack):
            '''An attack.'''
            name = "mine{i}"

            def score(self, view):
                raise ValueError({i!r} * 9999)
        """
        for i in range(6)
    )
    hook = """
        @hookimpl
        def register_attacks(register):
            for one in (Mine0, Mine1, Mine2, Mine3, Mine4, Mine5): register(one)
        """
    file = plugin(many + hook)
    attacks = f"attacks={[f'mine{i}' for i in range(6)]}".replace("'", '"')
    settings = ("--set", "population=2", "--set", attacks)
    result = run("small", "-p", file, "-k", "none and adaptive", *settings, "--json")
    lines = result.stderr.splitlines()
    block = lines[next(i for i, line in enumerate(lines) if line.startswith("failed:")) :]
    assert len(block) <= 24
    assert max(len(line) for line in block if not line.startswith("    ")) < 220
    assert result.stderr.count("to see it alone") == 3
    assert block[-1].endswith("`; it has 3 other failures")


def test_a_run_that_ends_early(run, monkeypatch, tmp_path):
    """As one does when the disk is full."""

    def full(*_, **__):
        raise BadInput("results.sqlite: database or disk is full")

    monkeypatch.setattr("privbench.storage.results.Results.finish_run", full)
    result = run("small", "--set", "population=2", "-k", "none and loss and adaptive", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()
    first = lines.index("the run ended early; last of its log:")
    assert lines[first + 1].startswith("  ")
    assert "the run ended: results.sqlite: database or disk is full" in "".join(lines[first:])
    assert "log: `privbench runs log 1 --level error`" in lines
    assert any(line.startswith("to go on: `privbench run --device cpu small") for line in lines)
    assert lines[-1] == "error: results.sqlite: database or disk is full"


def test_what_is_skipped_or_unavailable_is_no_failure(run):
    result = run("small", "--set", 'models=["cnn"]', "-k", "none and loss")
    assert "to see it alone" not in result.stderr


@pytest.mark.parametrize(
    "name", ["d/none/m/a/adaptive/seed=0", "d/a[x=(1, 2)] \\ \"q\" 'r'/é\x1b/seed=1", "and", "("]
)
def test_a_whole_name_selects_nothing_else(name):
    from privbench.config.selection import selector

    chosen = selector(exactly(name))
    assert chosen(name)
    for other in (name + "0", "0" + name, name.upper() if name.upper() != name else "x", ""):
        assert not chosen(other)
    both = selector(exactly(name, "other"))
    assert both("other")
    assert both(name)


def test_the_command_turns_off_what_was_off(config, attack, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    attack(BODY)
    host = PluginHost(installed=False)
    host.switched_off = ["theirs"]  # by --no-plugin, or by PRIVBENCH_LOAD_PLUGINS
    arguments = [
        "run",
        "small",
        "-p",
        "mine.py",
        "--set",
        'attacks=["mine"]',
        "-k",
        "none",
        "--json",
    ]
    result = CliRunner().invoke(build_cli(host), arguments)
    assert result.exit_code == 1, result.output
    words = command_in(result.stderr)
    assert words[words.index("--no-plugin") + 1] == "theirs"
    run = History("results").entry("1")
    assert run.environment["plugins_off"] == ["theirs"]
