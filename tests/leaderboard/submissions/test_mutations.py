"""Any one change of a submission is refused, but for what nobody can check."""

from dataclasses import replace

import pytest

from privbench.leaderboard.submissions.checking import compare
from privbench.leaderboard.submissions.consistency import content_problems, form_problems

from .mutations import mutation

N = 100
COMMIT = "a" * 40
HARDWARE = ("python", "libraries", "plugins", "machine", "cpus", "device", "clean")
CLAIMS = (
    ("started_at",), ("finished_at",), ("remark",), ("submission", "about"), ("submission", "plugins"),
    *(("environment", name) for name in HARDWARE),
    ("configuration", "datasets", 0, "params"),
)  # fmt: skip
"""What a submitter says of himself, his machine and his time (docs/leaderboard-submissions.md), and how
a dataset is read: whoever computes it again reads it so, and other records have other keys."""


@pytest.fixture
def content(content, sign):
    """As from a clean commit."""
    content["environment"] |= {"commit": COMMIT, "clean": True}
    return sign(content)


@pytest.fixture
def computed(computed):
    """Computed again from the same commit."""
    return replace(computed, environment={**computed.environment, "commit": COMMIT, "clean": True})


def is_claim(path):
    return any(path[: len(claim)] == claim for claim in CLAIMS)


def refused(content):
    """Return the problems that ``verify`` finds; the slower schema is asked last here."""
    try:
        problems = list(content_problems(content))
    except (TypeError, KeyError, AttributeError):  # the form is wrong, which the schema has to find
        problems = []
    return problems or form_problems(content, "submission")


def test_the_submission_itself_passes(content, computed):
    assert not refused(content)
    outcome = compare(content, computed)
    assert outcome.exact
    assert outcome.compared
    assert not outcome.refused


def test_changes_are_found(content, computed, sign):
    found = {"verify": 0, "rerun": 0, "claim": 0}
    missed = []
    for seed in range(N):
        other, path = mutation(content, seed)
        other = sign(other)
        if other == content:
            continue
        if refused(other):
            found["verify"] += 1
        elif compare(other, computed).refused:
            found["rerun"] += 1
        elif is_claim(path):
            found["claim"] += 1
        else:
            missed.append((seed, path))
    assert not missed
    assert found["verify"] >= 0.7 * N
    assert found["rerun"] > 0


def test_a_change_without_the_digest_is_found_at_once(content):
    other, _ = mutation(content, 3)
    assert any(problem.startswith("submission.digest") for problem in content_problems(other))


@pytest.mark.parametrize("seed", [0, 10, 20, 30])
def test_rows_that_are_missing_or_twice(content, sign, seed):
    other, _ = mutation(content, seed)
    assert any(problem.startswith("rows") for problem in refused(sign(other)))
