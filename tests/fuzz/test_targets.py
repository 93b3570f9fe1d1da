"""A small part of the fuzzing, the same each time; `make fuzz` runs 10,000 cases of each target."""

import logging

import pytest

pytest.importorskip("hypothesis")

from tests.fuzz.__main__ import MEMORY
from tests.fuzz.running import run
from tests.fuzz.targets import TARGETS


@pytest.fixture(autouse=True)
def level():
    """Restore the level of the log, which fuzzing raises."""
    log = logging.getLogger("privbench")
    before = log.level
    yield
    log.setLevel(before)


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_is_read_or_refused_with_a_message(name):
    found = []
    outcome = run(TARGETS[name], TARGETS[name].small, 17, lambda *case: found.append(case))
    assert outcome.findings == {}, found
    assert outcome.cases == outcome.accepted + outcome.refused == TARGETS[name].small
    assert outcome.refused > 0
    assert outcome.mib < MEMORY


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_some_input_is_read(name):
    if name != "submission":  # a change breaks the relations of a submission
        assert run(TARGETS[name], 1_000, 17).accepted > 0
