"""Make objects of scikit-learn from what benchmarks.toml says of them.

An object is written as components are: by its name, or as a table of its name and parameters. The name
is that of a class of scikit-learn, or of any package with its module in front:

    "GaussianNB"
    { name = "RandomForestClassifier", max_depth = 5 }
    { name = "AdaBoostClassifier", estimator = { name = "DecisionTreeClassifier", max_depth = 2 } }
    { name = "catboost.CatBoostClassifier", iterations = 100 }
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from pydantic import JsonValue

Description: TypeAlias = str | dict[str, JsonValue]
"""An object: the name of its class, or a table of the name and parameters."""

SEEDS = ("random_state", "seed")
"""Parameters that privbench sets."""
FIRST = ("ensemble", "linear_model", "tree", "svm", "neighbors", "preprocessing", "decomposition")
"""Modules of scikit-learn that are searched for a class before the others."""


def make(description: Description) -> Any:
    """Return a new object.

    Raises:
        ValueError: If there is no such class, or a parameter is not one of it or has a wrong value.
    """
    name, params = _split(description)
    cls = find_class(name)
    allowed = _parameters(cls)
    for key in params:
        if key in SEEDS:
            raise ValueError(
                f"{name}: {key} is drawn from the seed of the trial, and cannot be set"
            )
        if allowed is not None and key not in allowed:
            raise ValueError(
                f"{name} has no parameter {key!r}{_near(key, allowed)} (allowed:"
                f" {', '.join(sorted(set(allowed) - set(SEEDS)))})"
            )
    given = {key: _value(value, (allowed or {}).get(key)) for key, value in params.items()}
    try:
        made = cls(**given)
    except TypeError as error:  # a parameter without a default is missing
        raise ValueError(f"{name}: {str(error).rpartition('__init__() ')[2]}") from None
    if hasattr(made, "_parameter_constraints"):  # of scikit-learn itself, whose ``fit`` begins so
        made._validate_params()
    return made


def packages_of(*descriptions: Description) -> tuple[str, ...]:
    """Return the packages of the classes that are named, also of those in parameters."""
    found = {"sklearn"}
    for name in _names(list(descriptions)):
        found.add(name.partition(".")[0] if "." in name else "sklearn")
    return tuple(sorted(found))


@cache
def find_class(name: str) -> type:
    """Return a class by its name in scikit-learn, or by ``module.Class``.

    Raises:
        ValueError: If there is none, with names that are close.
    """
    module, dot, short = name.rpartition(".")
    if not dot:
        return _in_sklearn(name)
    try:
        found = getattr(importlib.import_module(module), short, None)
    except ImportError as error:
        raise ValueError(f"{name}: cannot import {module} ({error}); is it installed?") from None
    if not inspect.isclass(found):
        raise ValueError(f"{name}: {module} has no class {short!r}")
    return found


def _in_sklearn(name: str) -> type:
    import sklearn

    seen: set[str] = set()
    for module in dict.fromkeys((*FIRST, *sklearn.__all__)):
        try:
            inside = importlib.import_module(f"sklearn.{module}")
        except ImportError:  # the list has functions as well, such as ``clone``
            continue
        classes = {
            key: value
            for key, value in vars(inside).items()
            if inspect.isclass(value) and value.__module__.startswith("sklearn.")
        }
        if name in classes:
            return classes[name]
        seen.update(classes)
    raise ValueError(
        f"scikit-learn has no class {name!r}{_near(name, seen)} (others are written with their module,"
        " as in 'xgboost.XGBClassifier')"
    )


def _split(description: Description) -> tuple[str, dict[str, Any]]:
    if isinstance(description, str):
        return description, {}
    params = dict(description)
    name = params.pop("name", None)
    if not isinstance(name, str):
        raise ValueError(
            f'{description} names no class: write "RandomForestClassifier", or'
            ' { name = "RandomForestClassifier", max_depth = 5 }'
        )
    return name, params


def _parameters(cls: type) -> dict[str, Any] | None:
    """Return the parameters of a class with their defaults; None if it takes any.

    A class that passes on further arguments takes those of its base classes.
    """
    found: dict[str, Any] = {}
    for base in inspect.getmro(cls):
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        named = [p for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
        found = {p.name: p.default for p in named} | found
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found or None


def _value(value: Any, default: Any) -> Any:
    """Return a value as Python writes it.

    TOML has no None, no tuples, and no keys that are numbers: the text "None" stands for None, a list
    is a tuple where the default is one, and keys such as "0" are numbers, as in ``class_weight``.
    """
    if value == "None":
        return None
    if isinstance(value, list):
        items = [_value(item, None) for item in value]
        return tuple(items) if isinstance(default, tuple) else items
    if isinstance(value, dict):
        if "name" in value:
            return make(value)
        return {
            int(key) if key.lstrip("-").isdigit() else key: _value(item, None)
            for key, item in value.items()
        }
    return value


def _names(value: Any, *, named: bool = True) -> Iterator[str]:
    """Yield the names of classes: a text is one only at the top, or under the key ``name``."""
    if isinstance(value, str) and named:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _names(item, named=named)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _names(item, named=key == "name")


def _near(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
