"""Whatever happens to a run, nothing that was computed is lost; `make faults` tries much more."""

import importlib

import pytest

SOME = {
    "signals.killed": 3,
    "signals.interrupted": 2,
    "signals.interrupted_twice": 2,
    "signals.terminated": 1,
    "together.two_runs": 1,
    "disk.removed": 1,
}
"""Faults that all tests try, and how often."""
MORE = {
    "signals.killed": 20, "signals.terminated": 10, "signals.hung_up": 10, "signals.interrupted": 10,
    "signals.interrupted_twice": 10, "signals.mixed": 5,
    "disk.full": 5, "disk.limited": 5, "disk.removed": 5, "disk.read_only": 1,
    "disk.locked_in_mid_run": 2, "disk.foreign": 1,
    "together.two_runs": 2, "together.three_runs": 2, "together.locked": 1, "together.clock_jumps": 3,
    "files.artifacts": 1, "files.permissions": 3,
    "database.damaged": 64, "database.older": 1, "database.newer": 2,
    "observers.observers": 11, "observers.hanging": 6,
    "outputs.full_disks": 10, "outputs.early_readers": 9,
}  # fmt: skip
MOUNTS = {"disk.full", "disk.read_only", "disk.locked_in_mid_run", "outputs.full_disks"}
"""Faults that need a disk of their own, which only root can mount."""
ROOT = MOUNTS | {"disk.foreign"}


def lost(lab, name, tries):
    """Do it, and return what was lost."""
    import disk

    if name in ROOT and not disk.can_mount():
        pytest.skip("only root can mount a small disk, or become another user")
    module, function = name.split(".")
    tallies = getattr(importlib.import_module(module), function)(lab, tries)
    tallies = tallies if isinstance(tallies, list) else [tallies]
    assert all(tally.tries for tally in tallies)
    return [problem for tally in tallies for problem in tally.lost]


@pytest.mark.parametrize("name", SOME)
def test_nothing_is_lost(lab, name):
    assert lost(lab, name, SOME[name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_nothing_is_lost_in_many_tries(lab, name):
    assert lost(lab, name, MORE[name]) == []


def test_the_harness_notices_what_is_lost(lab, tmp_path):
    """Rows that differ, and an artifact that is gone: a test that could not fail would be none."""
    from harness import Tally

    with lab.copy("broken") as results:
        tally = Tally("")
        rows, lab.rows = lab.rows, lab.rows[1:]
        lab.check_goes_on(tally, results, "x")
        lab.rows = rows
    assert tally.lost == ["x: other rows"]
