"""``privbench plugins new``: what it writes, and what it refuses."""

import pytest

from .helpers import refused


def test_the_command(cli, tmp_path):
    result = cli("plugins", "new", "my-margin", "--kind", "attack")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "privbench-my-margin/pyproject.toml"
    assert (tmp_path / "privbench-my-margin/privbench_my_margin.py").is_file()
    before = (tmp_path / "privbench-my-margin/README.md").read_text()
    again = cli("plugins", "new", "my-margin", "--kind", "model")
    refused(again, "-o privbench-my-margin: is there already")
    assert (tmp_path / "privbench-my-margin/README.md").read_text() == before
    assert cli("plugins", "new", "my-margin", "--kind", "model", "-o", "b/c").exit_code == 0
    assert 'name = "privbench-my-margin"' in (tmp_path / "b/c/pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["m", "--kind", "atack"], ["did you mean 'attack'?"]),
        (["m"], ["--kind"]),
        (["m", "--kind", "mechanism", "--role", "lop"], ["--role lop", "did you mean 'loop'?"]),
        (["m", "--kind", "attack", "--role", "outputs"], ["allowed: models, releases"]),
        (["m", "--kind", "mechanism", "--role", "outputs"], ["did you mean 'output'?"]),
        (["m", "--kind", "dataset", "--role", "data"], ["--role data", "allowed: none"]),
        (["lira", "--kind", "attack"], ["privbench", "has attack 'lira' already"]),
    ],
)
def test_the_command_refuses(cli, tmp_path, arguments, words):
    refused(cli("plugins", "new", *arguments), *words)
    assert list(tmp_path.iterdir()) == []
