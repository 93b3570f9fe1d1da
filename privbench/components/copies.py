"""Arrays of its own for third-party code, so that nothing that it does to them reaches anybody else."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from privbench.data import read_only
from privbench.storage.scratch import own_copy

T = TypeVar("T")


def own_arrays(value: T) -> T:
    """Return a copy of an array, a dataclass or a list, in which all arrays are read-only copies.

    A read-only view of shared memory stops mistakes, but not a tensor that is made of it with warnings
    silenced, or whose owner is made writable. What is one object stays one object, so that attacks see
    that shadows are targets.
    """
    copy: T = _copied(value, {})
    return copy


def _copied(value: Any, done: dict[int, Any]) -> Any:
    if id(value) not in done:
        copy = value
        if isinstance(value, np.ndarray):
            copy = read_only(own_copy(value))
        elif isinstance(value, list | tuple):
            copy = type(value)(_copied(item, done) for item in value)
        elif is_dataclass(value) and not isinstance(value, type):
            changes = {
                f.name: _copied(getattr(value, f.name), done) for f in fields(value) if f.init
            }
            copy = replace(value, **changes)
        done[id(value)] = copy
    return done[id(value)]
