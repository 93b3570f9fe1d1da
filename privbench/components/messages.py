"""Error messages that name the key, the value and what is allowed."""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, PydanticUserError, ValidationError
from pydantic_core import ErrorDetails


def closest(word: str, allowed: Iterable[str]) -> str:
    """The end of an error message: the closest allowed word, and all of them."""
    allowed = sorted(allowed)
    near = difflib.get_close_matches(word, allowed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{hint} (allowed: {', '.join(allowed) or 'none'})"


def key_of(where: str, loc: Iterable[int | str], given: Mapping[str, str] | None = None) -> str:
    """``benchmarks.b.models[0].hidden[1]``.

    ``given`` says where else some parameters were written, such as ``{"epochs": "--set mlp.epochs"}``.
    """
    text = where
    for depth, part in enumerate(loc):
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            elsewhere = (given or {}).get(part) if depth == 0 else None
            text = elsewhere or f"{text}.{part}"
    return text


def explain(
    error: ValidationError,
    model: type[BaseModel],
    where: str,
    given: Mapping[str, str] | None = None,
) -> str:
    """Turn pydantic's errors into lines; ``where`` and ``given`` as in `key_of`."""
    items = error.errors()
    # Pydantic counts the valid items of a list, after it has said what is wrong with the others.
    counted = [one for one in items if one["type"] == "too_short" and _has_own_error(one, items)]
    return "\n".join(
        f"{key_of(where, one['loc'], given)}: {_problem(one, model, given)}"
        for one in items
        if one not in counted
    )


def unannotated(error: PydanticUserError) -> str:
    """Pydantic's error about the class of a component, without its address in the web."""
    if error.code != "model-field-missing-annotation":
        return error.message
    found = re.search(r"`(\w+) = (.+)`\. All|Field '(\w+)'", error.message, re.DOTALL)
    if found is None:
        return error.message
    name, value = found[1] or found[3], found[2] or ""
    try:
        example = f"{type(ast.literal_eval(value)).__name__} = {value}"
    except (ValueError, SyntaxError):  # a Field(...), or something else that is no literal
        example = "float = Field(...)"
    return f"parameter {name!r} has no type: write `{name}: {example}`"


def _has_own_error(item: ErrorDetails, items: Iterable[ErrorDetails]) -> bool:
    depth = len(item["loc"])
    return any(len(one["loc"]) > depth and one["loc"][:depth] == item["loc"] for one in items)


def _problem(item: ErrorDetails, model: type[BaseModel], given: Mapping[str, str] | None) -> str:
    value = item.get("input")
    match item["type"]:
        case "extra_forbidden":
            return f"unknown key{closest(str(item['loc'][-1]), model.model_fields)}"
        case "missing":
            return "is missing and has no default"
        case "literal_error":
            return f"{value!r} is not allowed (allowed: {item['ctx']['expected']})"
        case "tuple_type" | "list_type":
            example = f": {json.dumps([value])}" if isinstance(value, str | int | float) else ""
            return f"{value!r} is no list; put it in [ ]{example}"
        case "too_short":
            return f"{value!r} has too few items (at least {item['ctx']['min_length']})"
        case "value_error" if not item["loc"]:  # a check of all parameters: the input says nothing
            others = f" (with {', '.join(given.values())})" if given else ""
            return f"{item['ctx']['error']}{others}"
        case _:
            message = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
            return f"{value!r} {message}"
