"""Write error messages that name the key, the value and what is allowed."""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from pydantic import BaseModel, PydanticUserError, ValidationError
from pydantic_core import ErrorDetails

from privbench.components.contained import NOT_WRITABLE
from privbench.errors import PrivbenchError
from privbench.escape import one_line

FROZEN = "a component holds its parameters and nothing else; keep values in local variables"
COPY_FIRST = "arrays that are handed to a component are read-only: change a copy"
MAX_SHOWN = 300
"""Characters of a value that a message shows."""
TENSOR = (
    "a tensor cannot share the memory of a read-only array: write torch.tensor(x), which copies it"
)


def closest(word: str, allowed: Iterable[str]) -> str:
    """Return the end of an error message: the closest allowed word, and all of them."""
    allowed = sorted(allowed)
    return f"{near(word, allowed)} (allowed: {', '.join(map(one_line, allowed)) or 'none'})"


def near(word: str, allowed: Iterable[str]) -> str:
    """Return the allowed word that a misspelt one may mean, as a question; empty if none is close.

    Close are words that differ in a few letters or in upper and lower case, and longer words that begin
    like it. What labels of tables have in brackets does not matter.

    >>> near("LIRA", ["lira", "loss"]), near("fash", ["fashion-mnist"]), near("zzz", ["lira"])
    ("; did you mean 'lira'?", "; did you mean 'fashion-mnist'?", '')
    """
    names = {name.casefold(): name for name in allowed}
    wanted = word.casefold().partition("[")[0]
    swapped = [name for name in names if sorted(name) == sorted(wanted)]  # "lria" is no "rmia"
    close = swapped or difflib.get_close_matches(wanted, names, n=1)
    starting = [name for name in names if name.startswith(wanted)] if len(wanted) > 2 else []
    match = [*close, *starting][:1]
    return f"; did you mean {names[match[0]]!r}?" if match else ""


def short(value: object) -> str:
    """Return a value as an error message shows it, which is no longer than a few lines."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def near_file(path: Path) -> str:
    """Return the file beside a misspelt one that it may mean, as a question; empty if none is close."""
    try:
        files = [other.name for other in path.parent.iterdir() if other.is_file()]
    except OSError:
        return ""
    return near(path.name, files)


def key_of(where: str, loc: Iterable[int | str], given: Mapping[str, str] | None = None) -> str:
    """Return a key as users write it, such as ``benchmarks.b.models[0].hidden[1]``.

    Args:
        where: the key that ``loc`` is below.
        loc: names and list positions, as pydantic gives them.
        given: where some parameters were written instead, such as ``{"epochs": "--set mlp.epochs"}``.
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
    """Return pydantic's errors as lines; ``where`` and ``given`` are those of `key_of`."""
    items = error.errors()
    # Pydantic also reports a list as too short if some of its items are invalid.
    consequences = [
        item for item in items if item["type"] == "too_short" and _has_item_error(item, items)
    ]
    return "\n".join(
        f"{key_of(where, item['loc'], given)}: {_problem(item, model, given)}"
        for item in items
        if item not in consequences
    )


def unannotated(error: PydanticUserError) -> str:
    """Return pydantic's error about the class of a component, without its web address."""
    if error.code != "model-field-missing-annotation":
        return error.message
    match = re.search(r"`(\w+) = (.+)`\. All|Field '(\w+)'", error.message, re.DOTALL)
    if match is None:
        return error.message
    name, value = match[1] or match[3], match[2] or ""
    try:
        example = f"{type(ast.literal_eval(value)).__name__} = {value}"
    except (ValueError, SyntaxError):  # a Field(...), or something else that is no literal
        example = "float = Field(...)"
    return f"parameter {name!r} has no type: write `{name}: {example}`"


def _has_item_error(error: ErrorDetails, errors: Iterable[ErrorDetails]) -> bool:
    depth = len(error["loc"])
    return any(len(e["loc"]) > depth and e["loc"][:depth] == error["loc"] for e in errors)


def _problem(item: ErrorDetails, model: type[BaseModel], given: Mapping[str, str] | None) -> str:
    value = item.get("input")
    shown = short(value)
    match item["type"]:
        case "extra_forbidden":
            *path, key = item["loc"]
            return f"unknown key{closest(str(key), _table_at(model, path).model_fields)}"
        case "missing":
            return "is missing and has no default"
        case "literal_error":
            return f"{shown} is not allowed (allowed: {item['ctx']['expected']})"
        case "tuple_type" | "list_type":
            is_short = isinstance(value, str | int | float) and len(str(value)) <= MAX_SHOWN
            return (
                f"{shown} is no list; put it in [ ]{f': {json.dumps([value])}' if is_short else ''}"
            )
        case "bool_type":
            return f"{shown} is not allowed (allowed: true or false)"
        case "too_short":
            return f"{shown} has too few items (at least {item['ctx']['min_length']})"
        case "string_pattern_mismatch" if len(item["loc"]) == 1:  # few users read patterns
            described = model.model_fields[str(item["loc"][0])].description
            return f"{shown} has another form (allowed: {described or item['ctx']['pattern']})"
        case "value_error" if not item["loc"]:  # a check of all parameters together
            others = f" (with {', '.join(given.values())})" if given else ""
            return f"{item['ctx']['error']}{others}"
        case _:
            message = re.sub("^(Value error, |Input |String )", "", item["msg"])
            return f"{shown} {message}"


def _table_at(model: type[BaseModel], path: Iterable[int | str]) -> type[BaseModel]:
    """Return the model of a table inside that of ``model``."""
    for name in path:
        model = cast(type[BaseModel], model.model_fields[str(name)].annotation)
    return model


def error_text(error: BaseException, line: str = "") -> str:
    """Return ``KeyError: 'x' (lira2.py:14)``, or the message alone for privbench's own errors."""
    message = _message(error)
    if isinstance(error, PrivbenchError):
        return message
    if isinstance(error, ValidationError) and error.errors()[0]["type"] == "frozen_instance":
        text = f"self.{error.errors()[0]['loc'][-1]} cannot be set: {FROZEN}"
        return f"{text} ({line})" if line else text
    if re.match(NOT_WRITABLE, message):
        return f"{TENSOR} ({line})" if line else TENSOR
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    text = f"{text} ({line})" if line else text
    return f"{text}; {COPY_FIRST}" if message.endswith(" is read-only") else text


def printable(text: str) -> str:
    r"""Return text that any file and terminal takes: lone surrogates are written as ``\udcff``.

    >>> printable("caf\udce9")
    'caf\\udce9'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _message(error: BaseException) -> str:
    try:
        return printable(str(error))
    except BaseException as problem:  # an exception whose __str__ raises
        return f"its message cannot be read: {type(problem).__name__}"
