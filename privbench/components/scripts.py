"""Run Python files of users: plugins that are single files, training functions, generators."""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import sys
import traceback
from pathlib import Path
from types import ModuleType

from privbench.components.contained import contained
from privbench.components.messages import error_text, near_file, printable
from privbench.errors import BadInput


def import_file(path: Path, kind: str) -> ModuleType:
    """Import a file as a module under a name that no other module has.

    Args:
        path: the file, which may raise anything.
        kind: what it holds, such as ``plugin``; part of the name.

    Raises:
        BadInput: the name does not end in .py.
    """
    name = f"privbench_{kind}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput("this is no Python file (its name must end in .py)")
    linecache.checkcache(str(path))  # it may have changed since its source was read
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickling, dataclasses and pydantic look there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def run_script(path: Path, kind: str, option: str = "") -> ModuleType:
    """Run a file as Python runs a script: it can import what is beside it.

    Args:
        path: the file.
        kind: as for `import_file`.
        option: the option that named the file, with which messages begin.

    Raises:
        BadInput: there is no such file, it is no Python file, or it raises.
    """
    where = f"{option} {path}".strip()
    if not path.is_file():
        raise BadInput(f"{where}: no such file{near_file(path)}")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        with contained():
            return import_file(path, kind)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise anything
        raise script_problem(error, path, option) from error


def script_problem(error: BaseException, path: Path, option: str = "") -> BadInput:
    """Return what a user's file raised as a message that names the line."""
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if Path(frame.f_code.co_filename).name == path.name
    ]
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    place = f"{path.name}:{line or lines[-1]}" if line or lines else ""
    return BadInput(f"{option} {path}: {error_text(error, printable(place))}".strip())
