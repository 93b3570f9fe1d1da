"""Read a training function and its data from a Python file."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from privbench.components.contained import contained
from privbench.components.messages import closest, error_text, printable
from privbench.errors import BadInput

ROLES = ("train", "data", "x", "y", "model", "member", "reference_x", "reference_y")
"""What a file may define; each by this name, unless another is given."""


def read_script(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """Run a file and return what it defines for an audit.

    The records are ``x`` and ``y``, or what the function ``data()`` returns: ``(x, y)``, or a dictionary
    of these and of ``model``, ``member``, ``reference_x`` and ``reference_y``, as far as they are there.

    Args:
        path: the file.
        names: the names in the file of some of `ROLES`.

    Raises:
        BadInput: the file cannot be run, or lacks something.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    for role in names:
        if role not in ROLES:
            raise BadInput(f"--name {role}: unknown{closest(role, ROLES)}")
    module = _run(path)
    found = {
        role: getattr(module, names.get(role, role))
        for role in ROLES
        if hasattr(module, names.get(role, role))
    }
    for role, name in names.items():
        if role not in found:
            raise BadInput(f"{path}: there is no {name!r}, which --name {role}={name} names")
    data = found.pop("data", None)
    if callable(data) and not ({"x", "y"} & set(found)):
        found |= _call(data, path)
    for role in ("train", "x", "y"):
        if role not in found:
            instead = ", nor a function data()" if role != "train" else ""
            raise BadInput(
                f"{path}: there is no {names.get(role, role)!r}{instead}; the file must define"
                f" train(x, y, seed), and x and y, or data(); --name {role}=NAME gives another name"
            )
    if "member" not in found and "model" not in names:
        found.pop("model", None)  # a name that scripts use for other things
    return found


def _run(path: Path) -> ModuleType:
    import cloudpickle

    name = f"privbench_training_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: this is no Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickling and dataclasses look there
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as Python does for a script
    try:
        with contained():
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise anything
        raise _problem(error, path) from error
    cloudpickle.register_pickle_by_value(module)  # worker processes cannot import it by its name
    return module


def _call(data: Any, path: Path) -> dict[str, Any]:
    """Return what ``data()`` returns, by role."""
    try:
        with contained():
            returned = data()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise anything
        raise _problem(error, path) from error
    if isinstance(returned, tuple) and len(returned) == 2:
        return dict(zip(("x", "y"), returned, strict=True))
    allowed = [role for role in ROLES if role not in ("train", "data")]
    if isinstance(returned, dict) and not (set(returned) - set(allowed)):
        return returned
    what = sorted(map(str, returned)) if isinstance(returned, dict) else type(returned).__name__
    raise BadInput(
        f"{path}: data() returned {what}; it must return (x, y), or a dictionary with some of the keys"
        f" {', '.join(allowed)}"
    )


def _problem(error: BaseException, path: Path) -> BadInput:
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if Path(frame.f_code.co_filename).name == path.name
    ]
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    place = f"{path.name}:{line or lines[-1]}" if line or lines else ""
    return BadInput(f"{path}: {error_text(error, printable(place))}")
