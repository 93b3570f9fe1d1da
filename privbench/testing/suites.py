"""Test classes for pytest: a subclass that names a component has one test for each of its checks.

    class TestMargin(privbench.testing.AttackSuite):
        component = Margin

Nothing here needs pytest before a test runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from privbench.components import Component
from privbench.testing.registry import Check, checks_for
from privbench.testing.running import run_check
from privbench.testing.subject import Subject, role_of


class Suite:
    """The base of the suites. Subclass the one for your kind of component.

    Attributes:
        component: the class of the component.
        params: values of its parameters; those that have no default are needed.
        inert: parameters that change nothing on the tiny problems of the suite, and why.
        expected_failures: checks that are known to fail, and why. pytest reports them as ``xfailed``,
            and as failed once they pass.
    """

    kind: ClassVar[str] = ""
    component: ClassVar[type[Component]]
    params: ClassVar[Mapping[str, Any]] = {}
    inert: ClassVar[Mapping[str, str]] = {}
    expected_failures: ClassVar[Mapping[str, str]] = {}
    _subject: ClassVar[Subject]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not hasattr(cls, "component"):
            if cls.__name__.startswith("Test"):
                raise TypeError(f"{cls.__name__}: write `component = ...`, the class to be tested")
            return
        component = cls.component
        actual = getattr(component, "kind", None)
        if actual != cls.kind:
            raise TypeError(
                f"{cls.__name__}: component = {component!r} is no {cls.kind} (its kind: {actual})"
            )
        cls._subject = Subject(component, cls.params, cls.inert)
        found = checks_for(cls.kind, role_of(component))
        _refuse_unknown(cls, "expected_failures", [check.name for check in found])
        for check in found:
            name = f"test_{check.name}"
            if not hasattr(cls, name):  # a method of the author's own replaces a check
                setattr(cls, name, _test(check))


def _refuse_unknown(cls: type[Suite], attribute: str, allowed: list[str]) -> None:
    from privbench.components.messages import closest

    for name in getattr(cls, attribute):
        if name not in allowed:
            raise TypeError(
                f"{cls.__name__}: {attribute}: there is no {name!r}{closest(name, allowed)}"
            )


def _test(check: Check) -> Callable[[Suite, Callable[[str, object], None]], None]:
    def test(self: Suite, record_property: Callable[[str, object], None]) -> None:
        import pytest

        from privbench.testing.pytest_plugin import PROPERTY

        __tracebackhide__ = True
        record_property(PROPERTY, self._subject.name)
        finding = run_check(self._subject, check, self.expected_failures)
        if finding.outcome == "failed":
            pytest.fail(str(finding), pytrace=False)
        if finding.outcome == "skipped":
            pytest.skip(finding.reason)
        if finding.outcome == "expected":
            pytest.xfail(finding.reason)

    test.__name__ = f"test_{check.name}"
    test.__qualname__ = f"Suite.test_{check.name}"
    test.__doc__ = check.rule
    return test


class AttackSuite(Suite):
    """Checks an attack, on models or on released data."""

    kind = "attack"


class MechanismSuite(Suite):
    """Checks a mechanism, on records, codes, training or outputs."""

    kind = "mechanism"


class GeneratorSuite(Suite):
    """Checks a generator."""

    kind = "generator"


class ModelSuite(Suite):
    """Checks a target model."""

    kind = "model"


class DatasetSuite(Suite):
    """Checks a dataset."""

    kind = "dataset"


class ExecutorSuite(Suite):
    """Checks an executor."""

    kind = "executor"


SUITES: dict[str, type[Suite]] = {
    suite.kind: suite
    for suite in (
        AttackSuite,
        MechanismSuite,
        GeneratorSuite,
        ModelSuite,
        DatasetSuite,
        ExecutorSuite,
    )
}
