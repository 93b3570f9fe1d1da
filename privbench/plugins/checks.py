"""What authors get wrong: hooks that would be passed over in silence, classes that are no component."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_args

from privbench import hookspecs
from privbench.components import Component
from privbench.components.messages import closest
from privbench.errors import PrivbenchError

BASES = {
    "dataset": "privbench.Dataset",
    "generator": "privbench.Generator",
    "mechanism": (
        "privbench.DataMechanism, LatentMechanism, PerExampleLoss, TrainingLoop or OutputMechanism"
    ),
    "model": "privbench.TorchModel or privbench.EstimatorModel",
    "attack": "privbench.Attack or privbench.SyntheticAttack",
    "executor": "privbench.Executor",
}


def _hooks() -> dict[str, list[str]]:
    """The names of the hooks, and of their arguments."""
    specs = {k: value for k, value in vars(hookspecs).items() if hasattr(value, "privbench_spec")}
    return {name: list(inspect.signature(spec).parameters) for name, spec in specs.items()}


def marked(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The hook implementations of a module."""
    return {k: value for k, value in vars(module).items() if hasattr(value, "privbench_impl")}


def mistakes_of(module: ModuleType) -> list[str]:
    """What is wrong with hook implementations: an unknown name (pluggy would ignore it) or argument."""
    hooks, found = _hooks(), []
    for name, function in sorted(marked(module).items()):
        if name not in hooks:
            found.append(f"there is no hook {name!r}{closest(name, hooks)}")
            continue
        for argument in inspect.signature(function).parameters.values():
            if argument.default is argument.empty and argument.name not in hooks[name]:
                hint = closest(argument.name, hooks[name])
                found.append(f"{name} has no argument {argument.name!r}{hint}")
    return found


def silent_of(module: ModuleType, name: str) -> list[str]:
    """What would be passed over in silence: a function that is called like a hook and not marked."""
    own = marked(module)
    unmarked = [k for k in _hooks() if inspect.isfunction(vars(module).get(k)) and k not in own]
    if unmarked:
        start = "" if own else f"{name} registers nothing; "
        return [f"{start}is @privbench.hookimpl missing above {', '.join(unmarked)}?"]
    if own:
        return []
    return [f"{name} registers nothing: it has no hook, such as register_attacks(register)"]


def check_class(cls: object, kind: str) -> None:
    """Refuse what is no component of the kind, with a message for its author."""
    if not isinstance(cls, type):
        raise PrivbenchError(f"{cls!r} is no class; register the class, not an instance")
    actual = getattr(cls, "kind", None)
    if not issubclass(cls, Component) or actual is None:
        raise PrivbenchError(f"{cls.__qualname__} is no {kind}: subclass {BASES[kind]}")
    if actual != kind:
        raise PrivbenchError(
            f"{cls.__qualname__} is of kind {actual}; register_{kind}s takes {kind}s only"
        )
    if not isinstance(getattr(cls, "name", None), str):
        raise PrivbenchError(f'{cls.__qualname__} has no `name`: add `name = "..."` to the class')
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise PrivbenchError(f"{cls.__qualname__} does not implement {', '.join(missing)}")
    if kind == "attack":
        _check_observes(cls)
    try:
        cls.model_rebuild()
    except Exception as error:  # a type that pydantic does not know, or a name that is not defined
        problem = str(error).partition("\n")[0]
        raise PrivbenchError(
            f"the parameters of {cls.__qualname__} cannot be checked: {problem}"
        ) from error


def _check_observes(cls: type[Component]) -> None:
    from privbench.attacks.base import Observes
    from privbench.attacks.synthetic import SyntheticAttack

    if issubclass(cls, SyntheticAttack):
        return
    observes, allowed = getattr(cls, "observes", None), get_args(Observes)
    if observes not in allowed:
        raise PrivbenchError(
            f"{cls.__qualname__}: observes = {observes!r} is not allowed"
            f" (allowed: {', '.join(map(repr, allowed))})"
        )
