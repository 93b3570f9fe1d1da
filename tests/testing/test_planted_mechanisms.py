"""Mechanisms that are planted to be wrong fail the check that is about it, and sound ones pass."""

import pytest

from privbench.testing.registry import checks_for
from privbench.testing.running import run_check, run_checks
from privbench.testing.subject import Subject

from .planted_mechanisms import PLANTED, BareRecords, Honest, NoNoise, OneLabel


@pytest.mark.parametrize(("cls", "check", "words"), PLANTED, ids=lambda value: str(value)[:40])
def test_the_reason_says_what_is_wrong(cls, check, words):
    subject = Subject(cls)
    (chosen,) = [one for one in checks_for("mechanism", subject.role) if one.name == check]
    finding = run_check(subject, chosen, {})
    assert finding.outcome == "failed", finding
    assert words in finding.reason
    assert ("nothing is random" in finding.reason) == (cls in (NoNoise, BareRecords))


@pytest.mark.parametrize("cls", [Honest, OneLabel])
def test_a_guarantee_that_holds_is_not_refuted(cls):
    findings = list(run_checks(Subject(cls)))
    assert [finding for finding in findings if not finding.passed] == []
    (audited,) = [one for one in findings if one.check == "guarantee_is_not_refuted"]
    assert audited.outcome == "passed"  # and was not skipped
