"""Find mistakes of plugin authors: hooks that are never called, classes that are no component."""

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
    """Return the arguments of each hook, by its name."""
    specs = {k: value for k, value in vars(hookspecs).items() if hasattr(value, "privbench_spec")}
    return {name: list(inspect.signature(spec).parameters) for name, spec in specs.items()}


def marked(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Return the hook implementations of a module, by name."""
    # Functions only: any other object of a module may run code of its own when it is looked at.
    functions = {k: value for k, value in vars(module).items() if inspect.isfunction(value)}
    return {k: value for k, value in functions.items() if hasattr(value, "privbench_impl")}


def mistakes_of(module: ModuleType) -> list[str]:
    """Return a message for each unknown hook (which pluggy ignores) and unknown argument of a hook."""
    hooks, mistakes = _hooks(), []
    for name, function in sorted(marked(module).items()):
        if name not in hooks:
            mistakes.append(f"there is no hook {name!r}{closest(name, hooks)}")
            continue
        for argument in inspect.signature(function).parameters.values():
            if argument.default is argument.empty and argument.name not in hooks[name]:
                hint = closest(argument.name, hooks[name])
                mistakes.append(f"{name} has no argument {argument.name!r}{hint}")
    return mistakes


def silent_of(module: ModuleType, name: str) -> list[str]:
    """Return messages about what would be ignored: functions named as a hook but not marked as one."""
    hooks = marked(module)
    unmarked = [k for k in _hooks() if inspect.isfunction(vars(module).get(k)) and k not in hooks]
    if unmarked:
        start = "" if hooks else f"{name} registers nothing; "
        return [f"{start}is @privbench.hookimpl missing above {', '.join(unmarked)}?"]
    if hooks:
        return []
    return [f"{name} registers nothing: it has no hook, such as register_attacks(register)"]


def check_class(cls: object, kind: str) -> None:
    """Raise PrivbenchError, with a message for its author, if a class is no component of the kind."""
    if not isinstance(cls, type):
        raise PrivbenchError(f"{cls!r} is no class; register the class, not an instance")
    actual = getattr(cls, "kind", None)
    if not issubclass(cls, Component) or actual is None:
        raise PrivbenchError(f"{cls.__qualname__} is no {kind}: subclass {BASES[kind]}")
    if actual != kind:
        raise PrivbenchError(
            f"{cls.__qualname__} is of kind {actual}; register_{kind}s takes {kind}s only"
        )
    _check_parameters(cls)
    _check_name(cls)
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise PrivbenchError(f"{cls.__qualname__} does not implement {', '.join(missing)}")
    _check_declarations(cls, kind)
    try:
        cls.model_rebuild()
    except Exception as error:  # a type that pydantic does not know, or a name that is not defined
        problem = str(error).partition("\n")[0]
        raise PrivbenchError(
            f"the parameters of {cls.__qualname__} cannot be checked: {problem}"
        ) from error


def _check_parameters(cls: type[Component]) -> None:
    """Refuse parameters that would hide an attribute or method of the base classes."""
    for owner in cls.__mro__:
        for name in sorted(inspect.get_annotations(owner).keys() & cls.model_fields.keys()):
            base = next((base for base in owner.__mro__[1:] if _uses(base, name)), None)
            if base is not None:
                raise PrivbenchError(
                    f"{cls.__qualname__}: a parameter cannot be called {name!r}, which"
                    f" {base.__qualname__} uses for something else; rename it"
                )


def _uses(base: type, name: str) -> bool:
    """Return whether a base class of privbench or pydantic has this name, and not as a parameter."""
    if base.__module__.partition(".")[0] not in ("privbench", "pydantic"):
        return False
    if name not in vars(base) and name not in inspect.get_annotations(base):
        return False
    return name not in getattr(base, "__pydantic_fields__", {})


def _check_name(cls: type[Component]) -> None:
    name = getattr(cls, "name", None)
    if not isinstance(name, str):
        raise PrivbenchError(f'{cls.__qualname__} has no `name`: add `name = "..."` to the class')
    if not name.isprintable() or not name or name != "".join(name.split()):
        raise PrivbenchError(
            f"{cls.__qualname__}: name = {name!r} is not allowed"
            " (allowed: printable characters without spaces)"
        )


def _check_declarations(cls: type[Component], kind: str) -> None:
    """Refuse a value that a class attribute, such as ``observes``, cannot have."""
    allowed: dict[str, tuple[Any, ...]] = {}
    if kind == "attack":
        from privbench.attacks.base import NeedsShadows, Observes
        from privbench.attacks.synthetic import ObservesOfRelease, SyntheticAttack

        on_release = issubclass(cls, SyntheticAttack)
        allowed = {
            "needs_shadows": get_args(NeedsShadows),
            "observes": get_args(ObservesOfRelease if on_release else Observes),
        }
    if kind == "mechanism":
        from privbench.mechanisms.base import ActsOn

        allowed = {"acts_on": get_args(ActsOn)}
    for attribute, values in allowed.items():
        value = getattr(cls, attribute, None)
        if value not in values:
            raise PrivbenchError(
                f"{cls.__qualname__}: {attribute} = {value!r} is not allowed"
                f" (allowed: {', '.join(map(repr, values))})"
            )
