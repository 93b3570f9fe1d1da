"""Find a function in a user's file, and what it takes."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


def function_of(path: Path, name: str) -> Callable[..., Any]:
    """Return a function of a file.

    Raises:
        ValueError: If there is no such file or function, or the file raises; names the line.
    """
    if not path.is_file() or path.suffix != ".py":
        raise ValueError(f"path: {path} is no Python file (looked for {path.absolute()})")
    found = getattr(_module(path.resolve()), name, None)
    if not inspect.isfunction(found):
        functions = [
            key for key, value in vars(_module(path.resolve())).items() if inspect.isfunction(value)
        ]
        raise ValueError(
            f"function: {path.name} has no function {name!r} (it has: {', '.join(functions) or 'none'})"
        )
    return found


def _module(path: Path) -> ModuleType:
    """Import a file once; it can import what lies beside it."""
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:16]
    name = f"privbench_opacus_user_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # its name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, since pickling and dataclasses look there
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a user's file may raise anything
        del sys.modules[name]
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(path)
        ]  # fmt: skip
        line = lines[-1] if lines else getattr(error, "lineno", "?")
        raise ValueError(f"path: {path.name}:{line}: {type(error).__name__}: {error}") from error
    return module


def check_arguments(function: Callable[..., Any], known: set[str], given: set[str]) -> None:
    """Raise ValueError unless a function can be called with a model, data and such arguments.

    Args:
        function: Takes a model and its training data first.
        known: Names of arguments that it gets if it has them.
        given: Names that the user gives, which it must have.
    """
    parameters = list(inspect.signature(function).parameters.values())
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    where = f"{function.__name__}{inspect.signature(function)}"
    if len(positional) < 2:
        raise ValueError(f"function: {where} must take a model and its training data first")
    rest = [p for p in named if p not in positional[:2]]
    names = {p.name for p in rest}
    if not takes_any and (wrong := sorted(given - names)):
        raise ValueError(
            f"arguments: {where} has no argument {wrong[0]!r} (allowed:"
            f" {', '.join(sorted(names)) or 'none'})"
        )
    missing = [p.name for p in rest if p.default is p.empty and p.name not in known | given]
    if missing:
        raise ValueError(f"arguments: {where} needs {', '.join(missing)}")


def chosen(function: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return those of some arguments that a function names."""
    return {
        key: value for key, value in known.items() if key in inspect.signature(function).parameters
    }
