"""Help and errors: what a misspelt word may mean, and words that stay whole."""

import pytest

from .helpers import refused


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["lst"], "'list'"), (["data", "lst"], "'list'"), (["plot", "tradoff"], "'tradeoff'"),
        (["leaderboard", "bild"], "'build'"), (["table", "--veiw", "rows"], "'--view'"),
        (["table", "--view", "atacks"], "'attacks'"), (["table", "--format", "LATEX"], "'latex'"),
        (["list", "attack"], "'attacks'"), (["show", "atack", "lira"], "'attack'"),
        (["data", "fetch", "digit"], "'digits'"), (["completion", "zhs"], "'zsh'"),
        (["run", "smal"], "'small'"), (["run", "small", "--set", "mlp.epoch=1"], "'epochs'"),
        (["run", "small", "--executor", "lcal"], "'local'"),
        (["run", "-c", "benchmark.toml"], "'benchmarks.toml'"),
        (["list", "-p", "plugn.py"], "'plugin.py'"), (["audit", "blob.npz"], "'blobs.npz'"),
        (["table", "rsults.json"], "'results.json'"),
    ],
)  # fmt: skip
def test_what_a_misspelt_word_may_mean(cli, config, tmp_path, arguments, meant):
    for name in ("plugin.py", "results.json"):
        (tmp_path / name).touch()
    result = cli(*arguments)
    refused(result)
    assert f"did you mean {meant}" in result.stderr.replace("Did", "did")


def test_a_usage_error_says_how_to_call_the_command(cli):
    usage, hint, _, error = cli("show").stderr.splitlines()
    assert usage.endswith(" show [OPTIONS] [KIND] NAME")
    assert hint.endswith(" show --help' for help.")
    assert error == "error: Missing argument '[KIND] NAME'."


@pytest.mark.parametrize("width", [40, 80, 100])
def test_help_fits_and_breaks_no_word_at_its_hyphen(cli, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    for command in ("run", "audit", "table", "plot", "leaderboard"):
        text = cli(command, "--help").stdout
        for line in text.splitlines():
            assert len(line) <= width or "|" in line.split()[-1], line  # a list of choices
            assert not line.endswith("-"), line


def test_a_plugins_command_has_the_same_help_and_errors(cli, plugin, monkeypatch):
    from click.testing import CliRunner

    from privbench.cli import build_cli
    from privbench.plugins.host import PluginHost

    path = plugin("""
        import click

        @click.group()
        def mine():
            '''Do mine.'''

        @mine.command()
        def below():
            '''Say that one-record-at-a-time-is-enough-for-all-of-us, and more.'''

        @hookimpl
        def register_commands(cli):
            cli.add_command(mine)
        """)
    monkeypatch.setenv("COLUMNS", "60")
    group = build_cli(PluginHost([str(path)], installed=False))
    help_text = CliRunner().invoke(group, ["mine", "below", "--help"]).stdout
    assert "one-record-at-a-time-is-enough-for-all-of-us," in help_text.split()
    assert "Did you mean 'below'?" in CliRunner().invoke(group, ["mine", "belo"]).stderr


def test_every_choice_says_what_a_word_may_mean():
    import click

    from privbench.cli import build_cli
    from privbench.cli.group import Choice

    def choices(command):
        for below in getattr(command, "commands", {}).values():
            yield from choices(below)
        yield from (p.type for p in command.params if isinstance(p.type, click.Choice))

    found = list(choices(build_cli(None)))
    assert len(found) > 5
    assert all(isinstance(choice, Choice) for choice in found)
