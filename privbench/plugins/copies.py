"""Copies of what observers are given, so that each may change its own."""

from __future__ import annotations

import copy
from dataclasses import is_dataclass
from typing import Any

_ATOMS = {str, float, int, bool, type(None)}
"""Types of most values in rows, of which a run has millions: told apart without a call."""


def own_copy(value: Any) -> Any:
    """Return a copy of lists and dicts, to any depth, and of a dataclass with the dicts in it."""
    if isinstance(value, list):
        return [item if type(item) in _ATOMS else own_copy(item) for item in value]
    if isinstance(value, dict):
        return {k: item if type(item) in _ATOMS else own_copy(item) for k, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        own = copy.copy(value)
        vars(own).update((k, dict(item)) for k, item in vars(value).items() if type(item) is dict)
        return own
    return value
