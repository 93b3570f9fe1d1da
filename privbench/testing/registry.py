"""The list of checks: small functions, each with a name, for one kind of component or for all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from privbench.components import KINDS

if TYPE_CHECKING:
    from privbench.testing.subject import Subject

ROLES = {
    "attack": ("models", "releases"),
    "mechanism": ("data", "latent", "training", "output"),
    "model": ("torch", "estimator"),
}
"""The roles of the kinds that have several: what an attack attacks, where a mechanism acts."""
MODULES = (
    "declarations",
    "parameters",
    "running",
    "attacks",
    "mechanisms",
    "training",
    "generators",
    "guarantees",
    "executors",
)
"""The modules of `privbench.testing.checks`, in the order in which their checks run."""

Function = Callable[["Subject"], None]
_CHECKS: list[Check] = []


@dataclass(frozen=True)
class Check:
    """One check. Its function raises `Violation` with a reason, or `NotApplicable`."""

    name: str
    function: Function
    kinds: tuple[str, ...]
    roles: tuple[str, ...]
    """The roles that it is for; empty for all roles of its kinds."""
    errs: float
    """The probability with which a statistical check fails for a component that is right, at most."""
    after: tuple[str, ...]
    """Checks without which it means nothing: it is skipped if one of them fails or is skipped."""

    @property
    def rule(self) -> str:
        """What it asks of a component: the first sentence of its docstring."""
        text = " ".join((inspect.getdoc(self.function) or "").partition("\n\n")[0].split())
        return text


def checks(
    *kinds: str,
    roles: tuple[str, ...] = (),
    errs: float = 0.0,
    after: tuple[str, ...] = ("runs", "is_repeatable"),
) -> Callable[[Function], Function]:
    """Make a function a check of components of these kinds; of all kinds if none is named."""

    def add(function: Function) -> Function:
        _CHECKS.append(Check(function.__name__, function, kinds or KINDS, roles, errs, after))
        return function

    return add


@cache
def all_checks() -> tuple[Check, ...]:
    """Return all checks, in the order in which they run."""
    modules = [import_module(f"privbench.testing.checks.{module}").__name__ for module in MODULES]
    # Whichever module was imported first, as by a test of one of them.
    return tuple(sorted(_CHECKS, key=lambda check: modules.index(check.function.__module__)))


def checks_for(kind: str, role: str) -> tuple[Check, ...]:
    """Return the checks of components of a kind and role."""
    return tuple(
        check
        for check in all_checks()
        if kind in check.kinds and (not check.roles or role in check.roles)
    )
