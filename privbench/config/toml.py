"""Parse TOML that anybody may have written."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from privbench.bounds import MAX_NESTING, MAX_TOML_BYTES, problem_of_tree
from privbench.errors import BadInput

MAX_POINTS = 200
"""Points of a key. A value may be such a text, too, so that this is more than keys can be nested."""
# tomllib takes quadratic time for keys such as a.a.a.a. A match can begin at the start of a key only,
# and gives nothing back, so that the search takes linear time.
_LONG_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_POINTS}}}"""
)


class NotToml(BadInput):
    """A text is not TOML."""


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return the tables of a text.

    Raises:
        NotToml: it is none.
        BadInput: it is too long, nested too deeply, or has an integer of more than 64 bits. Both
            messages begin with ``where``.
    """
    if len(text) > MAX_TOML_BYTES:
        raise BadInput(
            f"{where}: {len(text)} characters (allowed: {MAX_TOML_BYTES}, as of a file written by hand)"
        )
    nested = f"{where}: nested too deeply (allowed: {MAX_NESTING} levels)"
    if _LONG_KEY.search(text):
        raise BadInput(nested)
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise BadInput(nested) from None
    except ValueError as error:  # also for integers of thousands of digits
        raise NotToml(f"{where}: {error}") from None
    if problem := problem_of_tree(content):
        raise BadInput(f"{where}: {problem}")
    return content
