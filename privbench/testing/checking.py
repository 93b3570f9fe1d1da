"""Check all components that a plugin registers, without pytest."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from privbench.plugins.host import Plugin, PluginHost
from privbench.testing.findings import Finding
from privbench.testing.running import run_checks
from privbench.testing.subject import Subject

LOADS = "loads"
"""The name of the check that a plugin is loaded, and all that it registers is accepted."""


def check(
    source: str | Path | ModuleType,
    *,
    params: Mapping[str, Mapping[str, Any]] | None = None,
    inert: Mapping[str, Mapping[str, str]] | None = None,
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Finding]:
    """Run the conformance suite on all components that a plugin registers.

    Args:
        source: the plugin: a module, its name, or the path of a single file.
        params: values of parameters by name of a component, such as ``{"margin": {"power": 2.0}}``.
            A component with parameters that have no default needs them.
        inert: by name of a component, parameters that change nothing on the tiny problems of the
            suite, and why.
        expected_failures: by name of a component, checks that are known to fail, and why.

    Returns:
        A finding for each component and check. A plugin that cannot be loaded, or registers what is
        refused, has findings of the check ``loads``.

    Raises:
        BadInput: there is no such file.
    """
    options = {"params": params, "inert": inert, "expected_failures": expected_failures}
    return list(findings(source, **{k: value or {} for k, value in options.items()}))


def findings(
    source: str | Path | ModuleType,
    params: Mapping[str, Mapping[str, Any]],
    inert: Mapping[str, Mapping[str, str]],
    expected_failures: Mapping[str, Mapping[str, str]],
) -> Iterator[Finding]:
    """Yield the findings of `check` one after another."""
    host, loaded, name = _load(source)
    problems = [f"{failure.place}: {failure.message}" for failure in host.failures]
    for problem in problems:
        yield Finding(f"plugin {name}", LOADS, "failed", problem)
    components = [] if loaded is None else loaded.components
    if not problems:
        nothing = "" if components else "it registers no component"
        yield Finding(f"plugin {name}", LOADS, "passed" if components else "skipped", nothing)
    for entry in components:
        of = entry.name
        subject = Subject(entry.cls, params.get(of, {}), inert.get(of, {}))
        yield from run_checks(subject, expected_failures.get(of, {}))


def _load(source: str | Path | ModuleType) -> tuple[PluginHost, Plugin | None, str]:
    """Return a host with the built-ins and one plugin, the plugin if it was loaded, and its name."""
    host = PluginHost(installed=False)
    name = source.__name__ if isinstance(source, ModuleType) else str(source)
    if isinstance(source, ModuleType):
        sys.modules.setdefault(name, source)  # the host imports it by its name
    host.load(name)
    return host, next((p for p in host.plugins[1:] if p.name == name), None), name
