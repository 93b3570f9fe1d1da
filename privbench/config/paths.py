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
        if key in given or not isinstance(extra, dict) or not extra.get("path"):
            continue
        if isinstance(value, str):
            found[key] = _located(value, folder)
        elif isinstance(value, list):  # a sweep
            found[key] = [_located(v, folder) if isinstance(v, str) else v for v in value]
    return found


def _located(path: str, folder: Path) -> str:
    return str(folder / Path(path).expanduser())
