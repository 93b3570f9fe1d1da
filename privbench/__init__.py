"""privbench: measure what privacy defenses protect, and what they cost.

``privbench.run("quickstart")`` runs a benchmark and returns its rows as a DataFrame;
``privbench.audit("target.npz")`` attacks the predictions of a model that was trained elsewhere. Plugin
authors subclass the components below and register them with the hooks in ``privbench.hookspecs``.

The public names are listed once, in ``__init__.pyi``, where type checkers see them as well. They are
imported on first use, so that the command line starts without importing what it does not need.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path


def _read_homes() -> dict[str, str]:
    """Return the module in which each public name is defined."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


_HOMES = _read_homes()

__version__ = "0.1.0"
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'privbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
