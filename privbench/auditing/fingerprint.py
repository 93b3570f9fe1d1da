"""A digest of a training function, so that a changed function never meets an old result.

What it sees:
    - the bytecode and constants of the function, its defaults, and what it closes over;
    - the values of the globals that it names, and of the attributes that it names of modules of one's
      own: functions and classes in the same way, numbers, texts, arrays, estimators by their parameters,
      and other objects by what pickle would write of them;
    - the file that it is in, and the files of one's own that are imported there or inside the function,
      not installed packages.

What it does not see: files that are read while training, environment variables, what is looked up by a
name made at run time, and of objects that cannot be pickled, such as an open file, more than their type.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import logging
import os
import random
import sys
import sysconfig
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from privbench.auditing.records import digest_of, is_sparse, is_tensor
from privbench.components.messages import error_text

LIBRARIES = (
    "catboost", "jax", "keras", "lightgbm", "numpy", "opacus", "pandas", "scikit-learn", "scipy",
    "tensorflow", "torch", "xgboost",
)  # fmt: skip
"""Packages whose versions can change what is trained."""

_PACKAGES = {"site-packages", "dist-packages"}
_PLACES = (Path(sysconfig.get_path("stdlib")), Path(__file__).parents[1])
"""Python's library, and privbench."""
_NOT_SEEN = (os.environ, random._inst, np.random.mtrand._rand)
"""The environment, and the global random generators, which are seeded for each model."""

log = logging.getLogger(__name__)


def fingerprint(train: Callable[..., Any]) -> str:
    """Return a sha256 of a training function and of the versions of the libraries that it may use.

    A function that cannot be read gets a new one each time, so that nothing stored is taken for its own.
    """
    found = _Fingerprint()
    try:
        found.add(train)
    except (
        Exception
    ) as error:  # of objects of the user, which may do anything when they are looked at
        log.warning("train cannot be told from other functions: %s", error_text(error))
        return uuid.uuid4().hex
    for path in sorted(found.files):
        found.sha256.update(Path(path).read_bytes())
    for name in LIBRARIES:
        try:
            found.sha256.update(f"{name} {importlib.metadata.version(name)};".encode())
        except importlib.metadata.PackageNotFoundError:
            continue
    found.sha256.update(sys.version.encode())
    return found.sha256.hexdigest()


class _Fingerprint:
    """Walks through a function and all that it names, each object once."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.files: set[str] = set()
        self._seen: dict[int, tuple[int, Any]] = {}  # objects are kept: no other gets the same id
        self._looked_into: set[tuple[str, types.CodeType]] = set()

    def add(self, value: Any) -> None:
        """Add a value."""
        self.sha256.update(f"{type(value).__qualname__}:".encode())
        if value is None or isinstance(
            value, str | bytes | bool | int | float | complex | np.generic
        ):
            self.sha256.update(f"{value!r};".encode())
            return
        if id(value) in self._seen:
            self.sha256.update(f"again {self._seen[id(value)][0]};".encode())
            return
        self._seen[id(value)] = (len(self._seen), value)
        if isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, tuple | list):
            self.sha256.update(f"{len(value)};".encode())
            for one in value:
                self.add(one)
        elif isinstance(value, set | frozenset):
            for one in sorted(value, key=repr):
                self.add(one)
        elif isinstance(value, dict):
            for key, one in value.items():
                self.add(key)
                self.add(one)
        elif _has_digest(value):
            self.sha256.update(digest_of(value).encode())
        elif isinstance(value, types.ModuleType):
            self._module(value)
        else:
            self._object(value)

    def _object(self, value: Any) -> None:
        """Add a function, a class or an instance."""
        self.sha256.update(f"{getattr(value, '__module__', '')} {_name(value)};".encode())
        module = sys.modules.get(str(getattr(value, "__module__", "")))
        if module is not None:
            self._module(module)
        if isinstance(value, functools.partial):
            self.add([value.func, value.args, value.keywords])
        elif isinstance(value, types.MethodType):
            self.add([value.__func__, value.__self__])
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, type):
            if _is_own(module):
                self.add([value.__bases__, [one for _, one in _attributes(value)]])
        elif hasattr(value, "get_params"):
            self.add(value.get_params(deep=False))
        elif hasattr(value, "state_dict"):
            self.add([type(value), value.state_dict()])
        elif hasattr(value, "__dict__") and _is_own(sys.modules.get(type(value).__module__)):
            self.add([type(value), vars(value)])
        elif not any(value is one for one in _NOT_SEEN):
            self._reduced(value)

    def _reduced(self, value: Any) -> None:
        """Add what pickle would write of an object."""
        try:
            parts = value.__reduce_ex__(4)
        except Exception:  # an object that cannot be pickled, such as a lock, is known by its type
            return
        if isinstance(parts, str):
            self.add(parts)
        else:
            self.add([list(one) if isinstance(one, Iterator) else one for one in parts])

    def _function(self, value: types.FunctionType) -> None:
        if not _is_own(sys.modules.get(value.__module__)):
            return
        self.add([value.__code__, value.__defaults__, value.__kwdefaults__])
        for cell in value.__closure__ or ():
            try:
                self.add(cell.cell_contents)
            except ValueError:  # not assigned yet
                continue
        self._named(value.__globals__, value.__code__)
        for module in _imported(value):
            self._module(module)
            self._named(vars(module), value.__code__)

    def _named(self, values: Mapping[str, Any], code: types.CodeType) -> None:
        """Add the values that code names, also in modules of one's own, whose values may be set."""
        for name in _names(code):
            if name not in values:
                continue
            value = values[name]
            self.sha256.update(f"{name}=".encode())
            self.add(value)
            if isinstance(value, types.ModuleType) and _is_own(value):
                place = value.__name__, code
                if place not in self._looked_into:
                    self._looked_into.add(place)
                    self._named(vars(value), code)

    def _code(self, code: types.CodeType) -> None:
        self.sha256.update(code.co_code)
        self.add([code.co_names, code.co_varnames, code.co_freevars, code.co_consts])

    def _module(self, module: types.ModuleType) -> None:
        """Add the file of a module of one's own, and the modules of one's own that it imports."""
        self.sha256.update(module.__name__.encode())
        if not _is_own(module) or not getattr(module, "__file__", None):
            return
        path = str(module.__file__)
        if path in self.files or not Path(path).is_file():
            return
        self.files.add(path)
        for value in list(vars(module).values()):
            imported = (
                value
                if isinstance(value, types.ModuleType)
                else sys.modules.get(str(getattr(value, "__module__", "")))
            )
            if imported is not None and _is_own(imported):
                self._module(imported)


def _has_digest(value: Any) -> bool:
    if isinstance(value, type):
        return False
    return (
        isinstance(value, np.ndarray)
        or hasattr(value, "iloc")
        or is_tensor(value)
        or is_sparse(value)
    )


def _is_own(module: types.ModuleType | None) -> bool:
    """Return whether a module is the user's: neither installed, nor built in, nor of privbench."""
    if module is None or module.__name__ == "__main__":
        return True
    file = getattr(module, "__file__", None)
    if file is None:
        return False
    return _is_own_file(Path(file))


def _is_own_file(path: Path) -> bool:
    return not _PACKAGES & set(path.parts) and not any(map(path.is_relative_to, _PLACES))


def _attributes(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a class that its author wrote, in the order of their names."""
    for name, value in sorted(vars(cls).items()):
        if name not in ("__dict__", "__weakref__", "__doc__", "__module__"):
            yield name, getattr(value, "fget", getattr(value, "__func__", value))


def _names(code: types.CodeType) -> list[str]:
    """Return the names that code and the functions within it look up."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return sorted({*code.co_names, *(name for one in inner for name in _names(one))})


def _imported(function: types.FunctionType) -> Iterator[types.ModuleType]:
    """Yield the modules of one's own that a function imports when it is called."""
    package = function.__globals__.get("__package__") or ""
    for name in _imports(function.__code__):
        try:
            full = importlib.util.resolve_name(name, package)
            spec = importlib.util.find_spec(full)
            if spec is not None and spec.origin is not None and _is_own_file(Path(spec.origin)):
                yield importlib.import_module(full)
        except Exception:  # of code of the user; training will say so
            continue


def _imports(code: types.CodeType) -> Iterator[str]:
    """Yield the names of modules, relative ones with dots, that code and functions within it import."""
    instructions = list(dis.get_instructions(code))
    for place, one in enumerate(instructions):
        if one.opname == "IMPORT_NAME":
            level = instructions[place - 2].argval  # then come the names that are imported from it
            yield "." * (level if isinstance(level, int) else 0) + str(one.argval)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _imports(const)


def _name(value: Any) -> str:
    return str(getattr(value, "__qualname__", type(value).__qualname__))
