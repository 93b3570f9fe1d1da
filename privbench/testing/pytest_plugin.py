"""The pytest plugin: a fixture that returns findings, and their number for each component.

pytest loads this module at the start of every run where privbench is installed, so it imports nothing
that is not loaded yet. The suites work without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from privbench.components import Component
    from privbench.testing.findings import Finding

PROPERTY = "privbench component"
"""The property of a test's report that names the component."""
WORDS = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "do not apply (-rs says why)",
    "xfailed": "failed as expected (-rx says why)",
}


@pytest.fixture
def privbench_findings() -> Callable[..., list[Finding]]:
    """Return a function that runs the suite: ``privbench_findings(Margin, params={"power": 2.0})``.

    It returns all findings and does not fail, for tests about single checks.
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

        subject = Subject(component, params or {}, inert or {})
        return list(run_checks(subject, expected_failures))

    return run


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count the findings of each component, if there were suites."""
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "skipped", "xfailed"):
        for report in terminalreporter.stats.get(outcome, []):
            component = dict(getattr(report, "user_properties", ())).get(PROPERTY)
            if component is not None:
                counts.setdefault(component, Counter())[outcome] += 1
    if counts:
        terminalreporter.section("privbench conformance")
    for component, found in sorted(counts.items()):
        texts = [f"{count} {WORDS[outcome]}" for outcome, count in found.items()]
        terminalreporter.line(f"{component}: {', '.join(texts)}")
