import pytest

from privbench.leaderboard.submissions.eligibility import not_eligible


@pytest.mark.parametrize(
    ("population", "seeds", "words"),
    [
        (16, [0, 1, 2], []),
        (64, [3, 4, 5, 6], []),
        (15, [0, 1, 2], ["15 models", "at least 16"]),
        (16, [0, 1], ["2 seeds", "at least 3"]),
        (16, [0, 0, 0], ["1 seed (", "at least 3"]),
        (2, [7], ["2 models", "1 seed ("]),
    ],
)
def test_the_rule(population, seeds, words):
    reason = not_eligible({"population": population, "seeds": seeds})
    assert bool(reason) == bool(words)
    for word in words:
        assert word in reason
