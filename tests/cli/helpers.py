"""How the tests read what a command printed."""

from __future__ import annotations

import json
from typing import Any

from click.testing import Result


def printed(result: Result, status: int = 0) -> Any:
    """The JSON that a command printed on stdout: all of it, and without NaN, which no JSON has."""
    assert result.exit_code == status, result.output

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(result.stdout, parse_constant=refuse)


def refused(result: Result, *words: str) -> None:
    """Bad input: status 2, nothing on stdout, and a message with such words instead of a traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def statuses(rows: list[dict[str, Any]], part: str = "attack") -> dict[str, str]:
    """The status of the rows of each attack, or of each of another part of a trial."""
    return {row[part]: row["status"] for row in rows}
