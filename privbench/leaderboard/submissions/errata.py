"""The log of errata: what was wrong on the leaderboard, and what was done about it."""

from __future__ import annotations

import re
from pathlib import Path

from privbench.errors import BadInput


def read_errata(path: str | Path) -> list[str]:
    """Return the entries of a log as Markdown, newest first; none if there is no log.

    An entry begins with a heading ``## YYYY-MM-DD: TITLE``. What stands before the first one is not
    part of any entry.

    Raises:
        BadInput: a heading is another one, or the file is not UTF-8.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError) as error:
        raise BadInput(f"{path}: {error}") from None
    _, *entries = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    for entry in entries:
        heading = entry.partition("\n")[0]
        if not re.fullmatch(r"## \d{4}-\d{2}-\d{2}: \S.*", heading):
            raise BadInput(f"{path}: {heading!a} (allowed: ## YYYY-MM-DD: TITLE)")
    return sorted((entry.strip() for entry in entries), key=lambda entry: entry[:13], reverse=True)
