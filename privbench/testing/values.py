"""Values of parameters to try: others than the present one within the bounds, and some outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def schema_of(cls: Any, name: str) -> Schema:
    """Return the JSON schema of a parameter."""
    schema: Schema = cls.model_json_schema().get("properties", {}).get(name, {})
    return schema


def others(schema: Schema, value: Any) -> list[Any]:
    """Return other values that a parameter may have, those nearest to ``value`` in kind first.

    >>> others({"type": "integer", "minimum": 1}, 2)
    [4, 1, 3]
    >>> others({"enum": ["a", "b"]}, "a"), others({"type": "boolean"}, True)
    (['b'], [False])
    >>> others({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]}, None)
    [1.0, 0.1, 10.0]
    """
    found: list[Any] = []
    for option in _options(schema):
        for candidate in _of_option(option, value):
            if candidate != value and candidate not in found:
                found.append(candidate)
    return found


def outside(schema: Schema) -> list[Any]:
    """Return values that a parameter must refuse: beyond its bounds, not allowed, of another type.

    >>> outside({"type": "integer", "minimum": 1, "maximum": 9})
    [0, 10, 'x']
    >>> outside({"enum": ["a", "b"]})
    ['no such choice', -1.5]
    """
    options = _options(schema)
    found: list[Any] = []
    for option in options:
        if "enum" in option or "const" in option:
            found.append("no such choice")
        found += _beyond(option)
    types = {option.get("type") for option in options}
    if "string" not in types and not any("enum" in option for option in options):
        found.append("x")
    elif not types & {"number", "integer"}:
        found.append(-1.5)
    kept: list[Any] = []
    for value in found:
        if not any(_allows(option, value) for option in options) and value not in kept:
            kept.append(value)
    return kept


def _options(schema: Schema) -> list[Schema]:
    return [dict(option) for option in schema.get("anyOf", [schema])]


def _of_option(option: Schema, value: Any) -> Iterator[Any]:
    if "enum" in option:
        yield from option["enum"]
    elif option.get("type") == "boolean":
        yield from (True, False)
    elif option.get("type") == "null":
        yield None
    elif option.get("type") in ("integer", "number"):
        yield from _numbers(option, value)
    elif option.get("type") == "array":
        yield from _lists(option, value)


def _numbers(option: Schema, value: Any) -> Iterator[int | float]:
    present = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    whole = option["type"] == "integer"
    if present is None:
        tried: tuple[int | float, ...] = (1, 2, 3) if whole else (1.0, 0.1, 10.0)
    elif whole:
        tried = (2 * present, present // 2, present + 1, present - 1)
    else:
        tried = (present * 2, present / 2, present + 0.1, present / 10, present * 10)
    lower = option.get("minimum", option.get("exclusiveMinimum"))
    upper = option.get("maximum", option.get("exclusiveMaximum"))
    if lower is not None and upper is not None:
        tried = (*tried, (lower + upper) / 2)
    if lower is not None:
        tried = (*tried, lower, lower + 1)
    for number in tried:
        number = int(number) if whole else float(number)
        if _allows(option, number):
            yield number


def _lists(option: Schema, value: Any) -> Iterator[list[Any]]:
    present = list(value) if isinstance(value, list | tuple) else []
    inner = option.get("items", {})
    for item in others(inner, present[0] if present else None)[:2]:
        yield [item, *present[1:]]
    if present:
        yield [*present, present[-1]]


def _beyond(option: Schema) -> Iterator[int | float]:
    step: int | float = 1 if option.get("type") == "integer" else 1e-3
    if "minimum" in option:
        yield option["minimum"] - step
    if "exclusiveMinimum" in option:
        yield option["exclusiveMinimum"]
    if "maximum" in option:
        yield option["maximum"] + step
    if "exclusiveMaximum" in option:
        yield option["exclusiveMaximum"]


def _allows(option: Schema, value: Any) -> bool:
    """Return whether a value has the type of a schema and lies within its bounds."""
    if "enum" in option:
        return value in option["enum"]
    if "const" in option:
        return bool(value == option["const"])
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match option.get("type"):
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "integer" | "number":
            right = isinstance(value, int) if option["type"] == "integer" else is_number
            return is_number and right and _within(option, value)
        case "array":
            return isinstance(value, list | tuple)
        case _:
            return True


def _within(option: Schema, value: float) -> bool:
    return (
        option.get("minimum", value) <= value <= option.get("maximum", value)
        and not value <= option.get("exclusiveMinimum", value - 1)
        and not value >= option.get("exclusiveMaximum", value + 1)
    )
