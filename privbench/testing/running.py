"""Run the checks of one component."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

from privbench.components.messages import error_text
from privbench.errors import PrivbenchError
from privbench.testing.findings import Finding, NotApplicable, Outcome, Violation
from privbench.testing.registry import Check, checks_for
from privbench.testing.subject import Subject


def run_check(subject: Subject, check: Check, expected_failures: Mapping[str, str]) -> Finding:
    """Run one check of a component, and return what it found.

    Args:
        subject: the component.
        check: the check.
        expected_failures: checks that are known to fail, and why. One that passes has failed: the
            entry is to be removed.
    """
    outcome, reason = _run(subject, check)
    if check.name in expected_failures:
        known = expected_failures[check.name]
        if outcome == "failed":
            outcome, reason = "expected", known
        elif outcome == "passed":
            outcome, reason = "failed", f"passes, though it is said to fail ({known}); remove that"
    return Finding(subject.name, check.name, outcome, reason)


def run_checks(
    subject: Subject, expected_failures: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """Run all checks of a component, one after another."""
    expected = expected_failures or {}
    for check in checks_for(subject.cls.kind, subject.role):
        yield run_check(subject, check, expected)


def _run(subject: Subject, check: Check) -> tuple[Outcome, str]:
    """Run a check once for a subject; others may ask for its outcome."""
    if check.name not in subject.outcomes:
        subject.outcomes[check.name] = _obstacle(subject, check) or _outcome(subject, check)
    return subject.outcomes[check.name]


def _obstacle(subject: Subject, check: Check) -> tuple[Outcome, str] | None:
    """Return why a check means nothing, if one that it comes after did not pass."""
    for other in checks_for(subject.cls.kind, subject.role):
        if other.name in check.after:
            outcome, reason = _run(subject, other)
            if outcome != "passed":
                return "skipped", reason if outcome == "skipped" else f"it fails {other.name}"
    return None


def _outcome(subject: Subject, check: Check) -> tuple[Outcome, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of the component; NaN and such are looked for
            check.function(subject)
    except NotApplicable as error:
        return "skipped", str(error)
    except (Violation, PrivbenchError) as error:
        return "failed", str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # third-party code may raise anything
        return "failed", error_text(error)
    return "passed", ""
