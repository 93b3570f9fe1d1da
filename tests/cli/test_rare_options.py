"""Options that no other test gives on a command line."""

# ruff: noqa: F811  fixtures of other files are imported, and are arguments as well

import json
import logging

import pytest

from .test_audit_data import GENERATOR, tables  # noqa: F401
from .test_audit_training import CHEAP, script  # noqa: F401


def test_audit_training_fresh_trains_again(cli, script):
    def numbers(result):
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["attacks"]

    once = cli("audit-training", script(), *CHEAP, "--json")
    stored = cli("audit-training", "mine.py", *CHEAP, "--json")
    assert "training\n" not in stored.stderr
    fresh = cli("audit-training", "mine.py", *CHEAP, "--json", "--fresh")
    assert fresh.stderr.count("training\n") == once.stderr.count("training\n") > 0
    assert numbers(once) == numbers(stored) == numbers(fresh)


def test_audit_data_takes_reference_rows_and_keeps_tables_in_the_cache(
    cli, tables, tmp_path, caplog
):
    from auditing.synthetic.helpers import people

    caplog.set_level(logging.INFO, "privbench")
    people(90, 5).to_csv(tmp_path / "reference.csv", index=False)
    given = cli("audit-data", *tables, "--reference", "reference.csv", "--attack", "gen-lra")
    assert "300 non-members, 120 synthetic rows, 90 reference rows" in given.stdout
    (tmp_path / "gen.py").write_text(GENERATOR)
    made = cli("audit-data", *tables, "--generator", "gen.py", "--shadows", "4", "--cache", "kept",
               "--attack", "gan-leaks")  # fmt: skip
    assert made.exit_code == 0, made.output
    assert list((tmp_path / "kept").iterdir())
    assert not (tmp_path / "results" / "shadow-tables").exists()


def test_plot_tradeoff_of_another_measure_is_another_picture(cli, config, tmp_path):
    assert cli("run", "small", "-c", config, "-k", "none").exit_code == 0
    for measure in ("auc", "tpr"):
        result = cli("plot", "tradeoff", "small", "--measure", measure, "-o", f"{measure}.png")
        assert result.exit_code == 0, result.output
    auc, tpr = ((tmp_path / f"{measure}.png").read_bytes() for measure in ("auc", "tpr"))
    assert auc != tpr


@pytest.mark.parametrize(
    ("more", "freed"), [((), {"fit", "scores"}), (("--keep-scores",), {"fit"})]
)
def test_gc_frees_what_is_intermediate_and_keeps_scores(cli, config, more, freed):
    assert cli("run", "small", "-c", config, "-k", "noisy and loss").exit_code == 0
    all_of_them = json.loads(cli("gc", "--intermediate", "--json", *more).stdout)["chosen"]
    kinds = {one["kind"] for one in all_of_them}
    assert ("scores" in kinds) == ("scores" in freed)
    assert "population" in kinds
    assert "metrics" not in kinds


def test_leaderboard_export_says_where_the_code_is_and_whom_to_ask(cli, config, tmp_path):
    assert cli("run", "small", "-c", config, "-k", "not naive", "--set", "attacks=['loss']",
               "--set", "knowledge=['adaptive']").exit_code == 0  # fmt: skip
    about = ("--code-url", "https://example.org/code", "--contact", "me@example.org")
    result = cli("leaderboard", "export", "small", "noisy", "-o", "noisy.json", *about)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "noisy.json").read_text())["submission"]["about"]
    assert (found["code_url"], found["contact"]) == (about[1], about[3])
    wrong = cli(
        "leaderboard", "export", "small", "noisy", "-o", "a.json", "--code-url", "file:///x"
    )
    assert (wrong.exit_code, "--code-url" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("leaderboard verify noisy.json --other-machine", "other_machine", True),
        ("leaderboard merge noisy.json --into data --other-machine", "other_machine", True),
        ("audit-training mine.py --jobs 2", "jobs", 2),
    ],
)
def test_an_option_reaches_its_command(cli, monkeypatch, words, name, value):
    """What it then changes is tested in tests/leaderboard/submissions and tests/auditing/training."""
    from privbench.cli import BUILTIN_COMMANDS

    given = {}
    command = next(one for one in BUILTIN_COMMANDS if one.name == words.split()[0])
    command = command.commands[words.split()[1]] if hasattr(command, "commands") else command
    monkeypatch.setattr(command, "callback", lambda **options: given.update(options))
    result = cli(*words.split())
    assert result.exit_code == 0, result.output
    assert given[name] == value
