"""Read a training function and its data from a Python file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from privbench.components.contained import contained
from privbench.components.messages import closest
from privbench.components.scripts import run_script, script_problem
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
    import cloudpickle

    for role in names:
        if role not in ROLES:
            raise BadInput(f"--name {role}: unknown{closest(role, ROLES)}")
    module = run_script(path, "training")
    cloudpickle.register_pickle_by_value(module)  # worker processes cannot import it by its name
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


def _call(data: Any, path: Path) -> dict[str, Any]:
    """Return what ``data()`` returns, by role."""
    try:
        with contained():
            returned = data()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise anything
        raise script_problem(error, path) from error
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
