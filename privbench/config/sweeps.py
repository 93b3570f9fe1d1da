"""Lists where a parameter is a scalar: one trial for each value, and labels that say which."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from privbench.components import Component
from privbench.components.messages import key_of
from privbench.errors import BadInput


def sweep(
    cls: type[Component],
    params: Mapping[str, Any],
    where: str,
    given: Mapping[str, str] | None = None,
) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Every combination of swept values: (all parameters, the swept ones).

    A list is a sweep where the parameter is a scalar; where the parameter itself is a list, a list of
    lists is one.
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
    for values in itertools.product(*axes.values()):
        swept = dict(zip(axes, values, strict=True))
        yield {**params, **swept}, swept


def _takes_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(map(_takes_list, schema.get("anyOf", [])))


def label(name: str, params: Mapping[str, Any]) -> str:
    """``vae-metric[epsilon=8]``; the bare name without parameters."""
    inside = ",".join(f"{key}={value_text(value)}" for key, value in params.items())
    return f"{name}[{inside}]" if inside else name


def value_text(value: Any) -> str:
    """A value as labels show it."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
