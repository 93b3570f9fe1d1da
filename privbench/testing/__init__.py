"""The conformance suite: checks for components of plugins, as test classes and without pytest.

    class TestMargin(privbench.testing.AttackSuite):
        component = Margin

has one test for each check of an attack, and ``privbench.testing.check("margin.py")`` runs the same
checks without pytest. docs/testing.md lists them.

- `suites`, `checking`, `pytest_plugin`: how checks are run.
- `registry`, `subject`, `running`, `findings`: what a check is, what it is run on, what comes of it.
- `checks`: the checks, a file for each kind of component and for what all kinds have in common.
- `problems`: the tiny problems on which components of each kind are tried.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privbench.testing.checking import check
    from privbench.testing.findings import Finding
    from privbench.testing.suites import (
        AttackSuite,
        DatasetSuite,
        ExecutorSuite,
        GeneratorSuite,
        MechanismSuite,
        ModelSuite,
    )

_HOMES = {
    "check": "checking",
    "Finding": "findings",
    "AttackSuite": "suites",
    "MechanismSuite": "suites",
    "GeneratorSuite": "suites",
    "ModelSuite": "suites",
    "DatasetSuite": "suites",
    "ExecutorSuite": "suites",
}
__all__ = [
    "AttackSuite",
    "DatasetSuite",
    "ExecutorSuite",
    "Finding",
    "GeneratorSuite",
    "MechanismSuite",
    "ModelSuite",
    "check",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is used, since pytest imports this package at its start."""
    if name not in _HOMES:
        raise AttributeError(f"module 'privbench.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"privbench.testing.{_HOMES[name]}"), name)
