"""Which rows of a table exceed the limits of --fail-above."""

import pytest

from privbench.errors import BadInput
from privbench.report.limits import parse_limits, precision, rows_exceeding


def row(defense="d", attack="lira", **values):
    return {
        "dataset": "x", "defense": defense, "model": "m", "attack": attack, "knowledge": "adaptive",
        "seed": 0, "subset": "records", "canary_kind": None, "status": "ok", "auc": 0.6,
        "auc_ci": [0.55, 0.65], "audited_epsilon": 1.5,
        "tpr_at_fpr": {
            "0.01": {"value": 0.03, "ci": [0.02, 0.04], "resolved": True},
            "0.001": {"value": 0.0, "ci": None, "resolved": False},
        },
    } | values  # fmt: skip


CANARIES = {"subset": "canaries", "canary_kind": "twin"}


@pytest.mark.parametrize(
    ("limit", "n"),
    [
        ("auc=0.65", 0),
        ("auc=0.64", 1),
        ("tpr@0.01=0.04", 0),
        ("tpr@0.01=0.039", 1),
        ("tpr@0.001=0.99", 1),  # unresolved: anything is possible
        ("audited_epsilon=1.5", 0),
        ("audited_epsilon=1.4", 1),
        (f"precision@0.01={precision(0.04, 0.01)}", 0),
        (f"precision@0.01={precision(0.039, 0.01)}", 1),
    ],
)
def test_the_upper_end_is_judged(limit, n):
    assert len(rows_exceeding([row()], parse_limits((limit,)))) == n


def test_the_largest_comes_first_and_says_which_row():
    rows = [row(attack="a", auc_ci=[0.5, 0.7]), row(attack="b", auc_ci=[0.5, 0.8], seed=3)]
    first, second = map(str, rows_exceeding(rows, {"auc": 0.6}))
    assert first.startswith("auc of b (adaptive) on x/d/m, seed 3, is 0.6 [0.5, 0.8], whose upper")
    assert " of a " in second


def test_none_is_judged_if_there_is_nothing_else():
    baseline = row("none", auc_ci=[0.9, 0.95])
    assert rows_exceeding([baseline, row()], {"auc": 0.7}) == []
    assert len(rows_exceeding([baseline], {"auc": 0.7})) == 1
    skipped = row(status="skipped")
    assert len(rows_exceeding([baseline, skipped], {"auc": 0.7})) == 1


def test_canaries_are_judged_by_epsilon_alone():
    canary = row(auc_ci=[0.9, 0.95], audited_epsilon=4.0, **CANARIES)
    assert rows_exceeding([row(), canary], {"auc": 0.7}) == []
    (found,) = rows_exceeding([row(), canary], {"audited_epsilon": 2.0})
    assert "canaries (twin)" in str(found)
    assert "at least 4" in str(found)


def test_what_failed_cannot_be_judged():
    failed = row(attack="b", status="failed", auc=None, auc_ci=None, tpr_at_fpr=None)
    assert rows_exceeding([row(), failed], {"auc": 0.7, "tpr@0.01": 0.5}) == [
        "b (adaptive) on x/d/m, seed 0, failed: not judged"
    ]
    assert rows_exceeding([row(), failed], {}) == []
    unknown = row(audited_epsilon=None)  # naive shadows prove nothing
    assert rows_exceeding([unknown], {"audited_epsilon": 0.0}) == []


@pytest.mark.parametrize(
    ("limit", "rows", "words"),
    [
        ("tpr@0.05=0.1", [row()], "tpr@0.05: rows have no such metric"),
        (
            "advantage=0.1",
            [row()],
            r"advantage: .*allowed: auc, audited_epsilon, tpr@0.01, tpr@0.001",
        ),
        ("auc=0.7", [row(status="skipped")], "no rows"),
    ],
)
def test_what_cannot_be_asked(limit, rows, words):
    with pytest.raises(BadInput, match=words):
        rows_exceeding(rows, parse_limits((limit,)))
