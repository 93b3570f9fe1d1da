"""Which lines are best; a tie has none."""

import pytest

from privbench.report.best import Column, best_lines
from privbench.report.difference_view import difference_tables
from privbench.report.differences import Differences
from privbench.report.estimates import auc, balanced, small_tpr
from privbench.report.views import attacks, summary, utility

AUC = Column("AUC", auc, larger=False, measure="auc")


def known(error):
    """Differences with this paired error."""
    return Differences(lambda first, second, measure: (error, 15))


@pytest.fixture
def shown(row):
    values = {"a": 0.5, "b": 0.52, "c": 0.9}
    return [{"AUC": row(defense=name, auc=value)} for name, value in values.items()]


@pytest.mark.parametrize(
    ("error", "larger", "best"),
    [(1e-4, False, {0}), (0.02, False, set()), (1e-4, True, {2}), (0.9, True, set())],
)
def test_the_interval_of_the_difference_decides(shown, error, larger, best):
    column = Column("AUC", auc, larger=larger, measure="auc")
    assert best_lines([column], shown, known(error)) == {"AUC": best}


def test_unpaired_differences_add_both_errors(row):
    """Each interval is .05 wide on both sides, so values differ from .1 on."""
    for second, best in ((0.59, set()), (0.61, {0})):
        values = (0.5, second, 0.7)
        shown = [{"AUC": row(auc=value, auc_ci=[value - 0.05, value + 0.05])} for value in values]
        assert best_lines([AUC], shown, Differences()) == {"AUC": best}


def test_what_no_differences_are_known_of_is_compared_by_intervals(row):
    """Intervals of `row` reach from half of the TPR to .1 above it."""
    column = Column("TPR", small_tpr, larger=True)
    for middle, best in ((0.3, set()), (0.1, {2})):
        shown = [{"TPR": row(tpr=value)} for value in (0.1, middle, 0.5)]
        assert best_lines([column], shown, known(1e-9)) == {"TPR": best}


def test_nothing_is_best_without_intervals_or_others(row, shown):
    column = Column("AUC", balanced, larger=True)
    assert best_lines([column], shown, known(1e-4)) == {"AUC": set()}
    assert best_lines([AUC], shown[:1], known(1e-4)) == {"AUC": set()}
    none = [{"AUC": row(auc=value, auc_ci=None)} for value in (0.5, 0.9)]
    assert best_lines([AUC], none, Differences()) == {"AUC": set()}


def test_a_line_without_a_row_or_a_value_is_never_best(row, shown):
    failed = row(status="failed", auc=None)
    lines = [{"AUC": None}, *shown, {}, {"AUC": failed}]
    assert best_lines([AUC], lines, known(1e-4)) == {"AUC": {1}}


def test_a_line_without_an_interval_may_be_as_good(row):
    intervals = {0.5: [0.49, 0.51], 0.6: [0.59, 0.61], 0.7: None}
    lines = [{"AUC": row(auc=value, auc_ci=interval)} for value, interval in intervals.items()]
    assert best_lines([AUC], lines, Differences()) == {"AUC": set()}


def test_blocks_are_compared_by_themselves(shown):
    assert best_lines([AUC], shown, known(1e-4), ["x", "y", "y"]) == {"AUC": {1}}


@pytest.fixture
def defenses(row):
    """Two defenses, of which one is more accurate and the other is less exposed."""
    return [
        row(defense=defense, attack=attack, auc=value + more, test_accuracy=accuracy,
            test_accuracy_ci=[accuracy - 0.01, accuracy + 0.01])
        for defense, value, accuracy in (("a", 0.8, 0.9), ("b", 0.6, 0.7))
        for attack, more in (("x", 0.0), ("y", 0.1))
    ]  # fmt: skip


def test_views_of_defenses(defenses):
    (table,) = summary(defenses, known(1e-4))
    assert table.best["AUC\n[95% CI]"] == {1}
    assert table.best["test\nacc."] == {0}
    assert table.best["rank"] == {1}
    (table,) = utility(defenses, known(1e-4))
    assert (table.best["AUC"], table.best["test acc.\n[95% CI]"]) == ({1}, {0})


def test_the_strongest_attack_on_each_defense_is_best(defenses):
    (table,) = attacks(defenses, known(1e-4))
    assert [line["attack"] for line in table.lines] == ["x", "y", "x", "y"]
    assert table.best["AUC\nadaptive"] == {1, 3}
    (table,) = difference_tables(defenses, known(1e-4), "x")
    assert table.best["AUC\n[95% CI]"] == set()  # of each defense there is one other attack


def test_differences_have_the_best_of_what_they_are_of(defenses, row):
    third = row(defense="c", attack="y", auc=0.65, test_accuracy=0.9,
                test_accuracy_ci=[0.89, 0.91])  # fmt: skip
    (table,) = difference_tables([*defenses, third], known(1e-4), "a")
    assert [line["defense"] for line in table.lines] == ["b", "c"]
    assert (table.best["AUC\n[95% CI]"], table.best["test accuracy\n[95% CI]"]) == ({1}, {1})
