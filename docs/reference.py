"""What cog runs to write the generated parts of docs/ (make docs; make test checks them)."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import click
from click.testing import CliRunner

from privbench import hookspecs
from privbench.cli import build_cli
from privbench.components import KINDS, describe
from privbench.plugins import PluginHost
from privbench.results import COLUMNS

ROOT = Path(__file__).parent.parent
HOST = PluginHost(installed=False)


def commands() -> None:
    """Every --help."""
    root = build_cli(HOST)
    _help(root, [])
    for name, command in sorted(root.commands.items()):
        _help(root, [name])
        if isinstance(command, click.Group):
            for inner in sorted(command.commands):
                _help(root, [name, inner])


def _help(root: click.Group, words: list[str]) -> None:
    title = " ".join(["privbench", *words])
    result = CliRunner().invoke(root, [*words, "--help"], prog_name="privbench", terminal_width=88)
    print(f"## {title}\n\n```\n{result.output.rstrip()}\n```\n")


def components() -> None:
    """Every built-in component with its parameters."""
    for kind in KINDS:
        print(f"## {kind.capitalize()}s\n")
        for entry in HOST.registry(kind):
            print(f"### `{entry.name}`\n\n{inspect.getdoc(entry.cls)}\n")
            if entry.cls.paper:
                print(f"Source: {entry.cls.paper}\n")
            rows = describe(entry.cls)
            if rows:
                print("| parameter | type | bounds | default | |\n|---|---|---|---|---|")
            for row in rows:
                default = "required" if row["required"] else f"`{json.dumps(row['default'])}`"
                cells = (
                    f"`{row['name']}`",
                    row["type"],
                    row["bounds"],
                    default,
                    row["description"],
                )
                print("| " + " | ".join(cell.replace("|", "or") for cell in cells) + " |")
            if rows:
                print()


def file(path: str, language: str = "python") -> None:
    """A file of the repository."""
    print(f"```{language}\n{(ROOT / path).read_text().rstrip()}\n```")


def signature(hook: str) -> None:
    """The heading of a hook: its exact signature, and what it is for."""
    function = getattr(hookspecs, hook)
    arguments = ", ".join(inspect.signature(function).parameters)
    print(f"### {hook}({arguments})\n\n{inspect.getdoc(function)}\n")


def columns() -> None:
    """The names of a row's values."""
    print(", ".join(f"`{column}`" for column in COLUMNS))
