"""Sweeps: a list of values where a parameter is a scalar, and the labels that say which value."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from privbench.components import Component
from privbench.components.messages import key_of
from privbench.errors import BadInput

MAX_VARIANTS = 10_000
"""Combinations of swept values of one component: lists multiply, and few short ones fill the memory."""


def sweep(
    cls: type[Component],
    params: Mapping[str, Any],
    where: str,
    given: Mapping[str, str] | None = None,
) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every combination of swept values, as (all parameters, the swept ones).

    What is a sweep:
        - if the parameter is a scalar, a list;
        - if the parameter is a list, a list of lists.

    Args:
        cls: the component.
        params: its parameters.
        where: where the component is written, for error messages.
        given: where parameters are written that are not written at ``where``.

    Raises:
        BadInput: a sweep is empty, or there are too many combinations.
    """
    axes: dict[str, list[Any]] = {}
    properties = cls.model_json_schema()["properties"] if params else {}
    for key, value in params.items():
        takes_list = _takes_list(properties.get(key, {}))
        if isinstance(value, list) and (not takes_list or any(isinstance(v, list) for v in value)):
            if not value:
                place = key_of(where, [key], given)
                raise BadInput(f"{place}: [] is an empty sweep; give at least one value")
            axes[key] = value
    if (n := math.prod(map(len, axes.values()))) > MAX_VARIANTS:
        raise BadInput(
            f"{where}: {', '.join(axes)}: sweeps of {n} combinations (allowed: {MAX_VARIANTS})"
        )
    for values in itertools.product(*axes.values()):
        swept = dict(zip(axes, values, strict=True))
        yield {**params, **swept}, swept


def _takes_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(map(_takes_list, schema.get("anyOf", [])))


def label(name: str, params: Mapping[str, Any]) -> str:
    """Return a label such as ``vae-metric[epsilon=8]``; without parameters it is the name.

    >>> label("mlp", {"lr": 0.10, "hidden": [8, 4]})
    'mlp[lr=0.1,hidden=[8,4]]'
    """
    inside = ",".join(f"{key}={value_text(value)}" for key, value in params.items())
    return f"{name}[{inside}]" if inside else name


def value_text(value: Any) -> str:
    """Return a value as labels show it; a table with a name as a component.

    >>> value_text({"name": "RandomForestClassifier", "max_depth": 5})
    'RandomForestClassifier[max_depth=5]'
    """
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return label(value["name"], {key: inner for key, inner in value.items() if key != "name"})
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
