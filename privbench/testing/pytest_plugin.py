"""The pytest plugin: a fixture that runs the suite, and a summary of what was not checked.

pytest loads this module at the start of every run where privbench is installed, so it imports next to
nothing. Suites work without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from privbench.components import Component
    from privbench.testing.findings import Finding


@pytest.fixture
def privbench_findings() -> Callable[..., list[Finding]]:
    """Return a function that runs the suite: ``privbench_findings(Margin, params={...})``.

    It returns the findings and does not fail, for tests of a suite or of a component that is planted to
    be wrong.
    """

    def run(
        component: type[Component],
        *,
        params: dict[str, Any] | None = None,
        inert: dict[str, str] | None = None,
        expected_failures: dict[str, str] | None = None,
    ) -> list[Finding]:
        from privbench.testing.running import run_checks
        from privbench.testing.subject import Subject

        return list(run_checks(Subject(component, params or {}, inert or {}), expected_failures))

    return run
