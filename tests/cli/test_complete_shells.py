"""What shells make of the scripts that ``privbench completion`` prints."""

import shutil
import subprocess
import sys

import pytest

from privbench.cli import complete

ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= ; fpath=($PWD \$fpath); autoload -Uz compinit; compinit -u -D; echo re''ady"
zpty -r -m shell line '*ready*'
zpty -w -n shell "$1"$'\t'
zpty -w -n shell $'\x01echo "<\x05>"\n'  # at the start of the line, and at its end
zpty -r -m shell line $'*\n<*>\r\n*'
print -r -- "$line"
zpty -d shell
"""
BASH = """
. ./_privbench
COMP_WORDS=($1)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_privbench_completion ./privbench
echo "${COMPREPLY[@]}"
"""
FISH = "source ./_privbench; complete -C $argv[1]"


@pytest.fixture
def ask(cli, config, tmp_path, monkeypatch):
    """Asks a shell what it makes of a line, in a folder with the script and the command."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    complete.component_names()
    command = tmp_path / "privbench"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m privbench "$@"\n')
    command.chmod(0o755)

    def ask(shell, code, line, *options):
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        (tmp_path / "_privbench").write_text(cli("completion", shell).stdout)
        words = [shell, *options, "-c", code, *(["shell"] if shell != "fish" else []), line]
        result = subprocess.run(
            words, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False
        )
        assert result.stderr == ""
        return result.stdout

    return ask


def test_bash(ask):
    assert ask("bash", BASH, "privbench show attack lo") == "logan loss\n"


def test_fish(ask):
    assert ask("fish", FISH, "privbench run sm", "--no-config") == "small\n"
    shown = ask("fish", FISH, "privbench tab", "--no-config")
    assert shown.split("\t")[0] == "table"


def test_zsh(ask):
    assert "\n<privbench run small>" in ask("zsh", ZSH, "privbench run sm", "-f").replace("\r", "")
