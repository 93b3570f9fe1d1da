"""Make the reference of the Python API: every name of ``privbench.__all__``, by autodoc."""

from __future__ import annotations

import inspect

from pydantic import BaseModel

import privbench
from privbench.components import describe

GROUPS = {
    "running": ("Run and audit", ("api", "auditing", "errors")),
    "attacks": ("Attacks", ("attacks",)),
    "mechanisms": ("Mechanisms", ("mechanisms",)),
    "generators": ("Generators", ("generators",)),
    "models": ("Target models", ("models",)),
    "data": ("Data", ("data", "datasets")),
    "guarantees": ("Guarantees", ("privacy",)),
    "executors": ("Executors", ("executors",)),
    "plugins": ("Plugins", ("components", "hookspecs")),
}
"""The pages: their titles, and the packages of privbench whose public names they have."""


def pages() -> dict[str, str]:
    """Return the pages by name: one for each group, and an index."""
    found = {"reference/api/index": _index()}
    for group, (title, packages) in GROUPS.items():
        names = [name for name in privbench.__all__ if home(name) in packages]
        parts = [f"# {title}", *(_entry(name) for name in names)]
        found[f"reference/api/{group}"] = "\n\n".join(parts) + "\n"
    return found


def home(name: str) -> str:
    """Return the package or module of privbench in which a public name is defined."""
    return str(privbench._HOMES[name]).split(".")[1]


def _entry(name: str) -> str:
    found = getattr(privbench, name)
    kind = "autoclass" if inspect.isclass(found) else "autofunction"
    text = f"```{{eval-rst}}\n.. {kind}:: privbench.{name}\n```"
    if inspect.isclass(found) and issubclass(found, BaseModel) and found.model_fields:
        text += "\n\nIts parameters, which every subclass inherits:\n\n" + _parameters(found)
    if not inspect.isclass(found) and not inspect.isfunction(found):
        text = f"```{{eval-rst}}\n.. autodata:: privbench.{name}\n   :no-value:\n```"
    return f"## {name}\n\n{text}"


def _parameters(cls: type[BaseModel]) -> str:
    rows = [
        f"| `{row['name']}` | {row['type'].replace('|', 'or')} | {row['bounds']} | `{row['default']}`"
        f" | {row['description']} |"
        for row in describe(cls)
    ]
    return "\n".join(["| parameter | type | bounds | default | |", "|---|---|---|---|---|", *rows])


def _index() -> str:
    rows = []
    for group, (title, packages) in GROUPS.items():
        names = [name for name in privbench.__all__ if home(name) in packages]
        links = ", ".join(f"[{name}]({group}.md#{name.lower()})" for name in names)
        rows.append(f"| [{title}]({group}.md) | {links} |")
    return (
        "# Python API\n\nAll that `privbench` exports; everything else may change without notice. How"
        " it is used: [docs/python.md](../../docs/python.md), and for plugins"
        " [docs/plugins.md](../../docs/plugins.md).\n\n| page | names |\n|---|---|\n"
        + "\n".join(rows)
        + "\n\n```{toctree}\n:hidden:\n\n"
        + "\n".join(GROUPS)
        + "\n```\n"
    )
