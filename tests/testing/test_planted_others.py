"""Generators, models, datasets and executors that are planted to be wrong fail the check about it."""

import pytest

from privbench.testing.registry import checks_for
from privbench.testing.running import run_check, run_checks
from privbench.testing.subject import Subject

from .planted_others import PLANTED, Linear, Sound


@pytest.mark.parametrize(("cls", "check", "words"), PLANTED, ids=lambda value: str(value)[:40])
def test_the_reason_says_what_is_wrong(cls, check, words):
    subject = Subject(cls)
    (chosen,) = [one for one in checks_for(cls.kind, subject.role) if one.name == check]
    finding = run_check(subject, chosen, {})
    assert finding.outcome == "failed", finding
    assert words in finding.reason


@pytest.mark.parametrize("cls", [Sound, Linear])
def test_what_they_are_made_of_is_sound(cls):
    assert [finding for finding in run_checks(Subject(cls)) if not finding.passed] == []
