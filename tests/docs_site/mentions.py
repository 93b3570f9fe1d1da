"""What tests and examples name: a search of their text, which does not prove that it is tested well."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PLACES = ("tests/**/*.py", "plugins/*/tests/*.py", "docs/examples/*.py", "docs/examples/*.toml")


@cache
def texts() -> dict[Path, str]:
    """Return the text of every test and example, without the tests of this folder."""
    paths = sorted(path for place in PLACES for path in ROOT.glob(place))
    return {path: path.read_text() for path in paths if HERE not in path.parents}


@cache
def words() -> dict[Path, frozenset[str]]:
    """Return the identifiers and quoted or bare names with dashes in each file."""
    return {path: frozenset(re.findall(r"[\w-]+", text)) for path, text in texts().items()}


def naming(*alternatives: str) -> list[Path]:
    """Return the files that have one of the words."""
    return [path for path, found in words().items() if not found.isdisjoint(alternatives)]


def calls(command: str) -> bool:
    """Return whether some test calls a command: ``"runs", "show"``, or ``privbench runs show``."""
    quoted = re.compile(",\\s*".join(f'"{word}"' for word in command.split()))
    return any(quoted.search(text) or f"privbench {command}" in text for text in texts().values())
