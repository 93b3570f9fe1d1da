"""The names of a new package, which all follow from one that the user gives."""

from __future__ import annotations

import builtins
import keyword
import re
from dataclasses import dataclass

from privbench.errors import BadInput

PREFIX = "privbench-"
MAX_NAME = 40
"""Characters of a name. Lines of the package that hold it are not wrapped."""
# A name of a distribution (PEP 508) that is also that of a module: it begins with a letter, and neither
# ends with a separator nor has two of them in a row.
_NAME = re.compile(r"[a-z][a-z0-9]*([-_.][a-z0-9]+)*", re.IGNORECASE)


@dataclass(frozen=True)
class Names:
    """What a new package and its parts are called."""

    kind: str
    """The kind of its component, such as ``attack``."""
    name: str
    """Its component, as benchmarks.toml names it: ``my-margin``."""
    distribution: str
    """``privbench-my-margin``."""
    module: str
    """``privbench_my_margin``."""
    cls: str
    """``MyMargin``."""


def names_of(given: str, kind: str) -> Names:
    """Return the names of a package with a component of a kind.

    Args:
        given: the name of the component, with or without the prefix ``privbench-``.
        kind: the kind of the component.

    Raises:
        BadInput: it cannot be the name of a distribution (PEP 508), a module and a class. The message
            has a name that can.
    """
    match = _NAME.fullmatch(given)
    bare = re.sub(r"[-_.]+", "-", given).lower().removeprefix(PREFIX)
    if match is None or not bare or len(bare) > MAX_NAME:
        raise BadInput(f"NAME {given[:80]!r} is not allowed{_instead(given)} ({_ALLOWED})")
    cls = "".join(part.capitalize() for part in bare.split("-"))
    if keyword.iskeyword(cls) or hasattr(builtins, cls):
        cls += kind.capitalize()
    distribution = PREFIX + bare
    return Names(kind, bare, distribution, distribution.replace("-", "_"), cls)


_ALLOWED = (
    f"allowed: at most {MAX_NAME} letters and digits, the first of them a letter, with single hyphens"
    " between them, such as my-margin"
)


def _instead(given: str) -> str:
    """Return a name that is like one that is not allowed, as a question; empty if there is none."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", given).lower())
    name = "-".join(words).lstrip("0123456789-")[:MAX_NAME].rstrip("-")
    return f"; did you mean {name!r}?" if name else ""
