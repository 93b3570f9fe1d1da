"""Attacks that are planted to be wrong fail the check that is about it, and pass the others."""

import pytest

from privbench.testing.registry import checks_for
from privbench.testing.running import run_check, run_checks
from privbench.testing.subject import Subject

from . import planted_attacks
from .planted_attacks import PLANTED, RUNS

FOLLOWING = {  # what a fault brings with it
    planted_attacks.ClimbsFrames: {"scores_are_finite_at_extremes"},
    planted_attacks.OpensSeals: {"order_of_records_does_not_matter"},
    planted_attacks.OwnRow: {"does_not_see_membership", "all_targets_are_as_one_after_another"},
    planted_attacks.KeepsRows: {"is_repeatable"},
    planted_attacks.Undescribed: {"has_a_conventional_name", "describes_itself"},
    planted_attacks.ByPlace: {"larger_means_member"},
}


@pytest.mark.parametrize(("cls", "check", "words"), PLANTED, ids=lambda value: str(value)[:40])
def test_the_reason_says_what_is_wrong(cls, check, words):
    subject = Subject(cls)
    (chosen,) = [one for one in checks_for("attack", "models") if one.name == check]
    finding = run_check(subject, chosen, {})
    assert finding.outcome == "failed", finding
    assert words in finding.reason
    assert finding.component == f"attack {cls.name}"


FAULTS = {cls: check for cls, check, _ in PLANTED if check != RUNS}


@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_one_fault_fails_one_check(cls):
    failed = {finding.check for finding in run_checks(Subject(cls)) if not finding.passed}
    assert FAULTS[cls] in failed
    assert failed <= {FAULTS[cls]} | FOLLOWING.get(cls, set())
