"""Errors and reports of functions name arguments, where those of the command line name its options."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from privbench.errors import PrivbenchError

P = ParamSpec("P")
T = TypeVar("T")

RENAMED = {
    "slice": "slices", "group": "groups", "attack": "attacks", "plugin": "plugins", "p": "plugins",
    "k": "select", "c": "config",
}  # fmt: skip
"""Arguments that are not called like their options."""
_OPTION = r"(?<![\w-])(?:--([a-z]+(?:-[a-z]+)*)|-([kpc]))(?![\w-])"
_PATTERNS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<![\w-])--set ([\w.\[\]-]+)=(\S+)", r'set={"\1": \2}'),
        (r"(?<![\w-])--set ([\w.\[\]-]+[\w\]])", r'set["\1"]'),
        (r"(?<![\w-])--(columns|positive|task) ((?!')[^\s;:)]+)", r'\1="\2"'),
        (r"(?<![\w-])--(categorical|drop) ('[^']*')", r"\1=[\2]"),
        (r"(?<![\w-])--attack ([a-z][\w-]*)", r'attacks=["\1"]'),
        (r"(?<![\w-])-o FILE\.md\b", "to_markdown()"),
    )
)
_VALUE = re.compile(rf"{_OPTION} ('[^']*'|\d[\w.]*|[\w.~-]*/[^\s:;,)]*)")
_NO_VALUE = re.compile(rf"{_OPTION}(?: [A-Z]{{2,}}\b)?(?P<end>[:,]?)")


def names_arguments(function: Callable[P, T]) -> Callable[P, T]:
    """Let the errors of a public function name its arguments instead of options (a decorator)."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except PrivbenchError as error:
            error.args = (with_arguments(str(error)),)
            raise

    return call


def with_arguments(message: str) -> str:
    """Return a message of the command line in terms of Python.

    >>> with_arguments("y is missing; name it with --label, or give --holdout FILE")
    'y is missing; name it with label=..., or give holdout=...'
    >>> with_arguments("--shadows 3 (allowed: at least 8)"), with_arguments("--attack: unknown 'x'")
    ('shadows=3 (allowed: at least 8)', "attacks: unknown 'x'")
    """
    for pattern, replacement in _PATTERNS:
        message = pattern.sub(replacement, message)
    message = _VALUE.sub(lambda match: f"{_name(match)}={match[3]}", message)
    return _NO_VALUE.sub(
        lambda m: _name(m) + (":" if m["end"] == ":" else f"=...{m['end']}"), message
    )


def _name(match: re.Match[str]) -> str:
    option = match[1] or match[2]
    return RENAMED.get(option, option.replace("-", "_"))
