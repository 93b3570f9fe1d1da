"""Paths in benchmarks.toml, which are relative to the folder of that file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from privbench.components import Component


def located(
    cls: type[Component], params: Mapping[str, Any], folder: Path, given: Collection[str] = ()
) -> dict[str, Any]:
    """Return the parameters of a component, with its paths relative to the current directory.

    A field that holds a path says so: ``Field(json_schema_extra={"path": True})``.

    Args:
        cls: The component.
        params: Its parameters as they are written.
        folder: The folder that its paths start at.
        given: Parameters that are written elsewhere, and stay as they are.
    """
    found = dict(params)
    for key, value in params.items():
        field = cls.model_fields.get(key)
        extra = field.json_schema_extra if field else None
        if key not in given and isinstance(value, str) and isinstance(extra, dict):
            found[key] = str(folder / Path(value).expanduser()) if extra.get("path") else value
    return found
