"""Describe a component for `privbench show`: its parameters and its summary line."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from privbench.components.base import Component
from privbench.components.messages import printable


def describe(cls: type[BaseModel]) -> list[dict[str, Any]]:
    """Return a row for each parameter: name, type, bounds, default and description."""
    rows = []
    properties = cls.model_json_schema().get("properties", {})
    for name, info in cls.model_fields.items():
        schema = properties[name]
        rows.append(
            {
                "name": name,
                "type": _type_text(schema),
                "bounds": _bounds_text(schema),
                "required": info.is_required(),
                "default": schema.get("default"),
                "description": printable(info.description or ""),
            }
        )
    return rows


def _type_text(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(_type_text(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type_text(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _bounds_text(schema: Mapping[str, Any]) -> str:
    names = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    names |= {"minItems": "items >=", "maxItems": "items <="}
    options = [schema, *schema.get("anyOf", []), schema.get("items", {})]
    bounds = [
        f"{sign} {option[key]:g}"
        for option in options
        for key, sign in names.items()
        if key in option
    ]
    return ", ".join(bounds)


def summary(cls: type[Component]) -> str:
    """Return the first line of the class's docstring."""
    return printable((inspect.getdoc(cls) or "").partition("\n")[0])
