"""Margins and ranks: a slow reference, closed forms, and coverage where the truth is known."""

import numpy as np
import pytest

from privbench.leaderboard.ranking import Hull, Margins
from privbench.report.differences import Differences

ACCURACY = {"public-only": 0.4, "dp-sgd[epsilon=8]": 0.5, "none": 0.7, "good": 0.6, "bad": 0.6}
AUC = {"public-only": 0.5, "dp-sgd[epsilon=8]": 0.6, "none": 0.9, "good": 0.6, "bad": 0.8}


def row(defense, accuracy, auc):
    return {
        "defense": defense, "test_accuracy": accuracy, "auc": auc, "status": "ok", "seed": 0,
        "n_models": 16, "auc_ci": None, "test_accuracy_ci": None,
    }  # fmt: skip


def exposed(accuracy=ACCURACY, auc=AUC):
    return {name: row(name, accuracy[name], auc[name]) for name in accuracy}


def errors_of(covariance):
    """Return the errors of differences of rows whose AUCs and accuracies have given covariances."""
    names = list(ACCURACY)

    def errors(first, second, measure):
        c = covariance[measure]
        i, j = names.index(first["defense"]), names.index(second["defense"])
        return float(np.sqrt(max(c[i, i] + c[j, j] - 2 * c[i, j], 0))), 500

    return Differences(errors)


def random_covariance(seed, scale=0.01):
    rng = np.random.default_rng(seed)
    factor = rng.normal(scale=scale, size=(len(ACCURACY), len(ACCURACY)))
    return factor @ factor.T


def test_the_hull_leaves_out_what_a_mixture_beats():
    points = exposed() | {
        "dp-sgd[epsilon=16]": row("dp-sgd[epsilon=16]", 0.55, 0.75),  # above the line to none
        "dp-sgd[epsilon=1]": row("dp-sgd[epsilon=1]", 0.3, 0.55),  # worse than public-only
    }
    assert Hull(points).points() == [(0.5, 0.4), (0.6, 0.5), (0.9, 0.7)]


def test_mixtures_and_slopes():
    hull = Hull(exposed())
    mixture, slope = hull.at(0.55)
    assert mixture == pytest.approx({"dp-sgd[epsilon=8]": 0.75, "none": 0.25})
    assert slope == pytest.approx(1.5)
    assert hull.at(0.4) == ({"public-only": 1.0}, 0.0)
    assert hull.at(0.71) == ({"none": 1.0}, 0.0)
    assert Hull({}).at(0.5) is None


def test_margins_are_distances_from_the_frontier_in_auc():
    margins = Margins(exposed(), errors_of({m: random_covariance(0) for m in ("auc", "accuracy")}))
    assert margins.of("good").difference.value == pytest.approx(0.15)
    assert margins.of("bad").difference.value == pytest.approx(-0.05)


@pytest.mark.parametrize("seed", range(3))
def test_errors_are_those_of_the_estimates_drawn_many_times(seed):
    """The slow reference: draw AUCs and accuracies, and take the spread of the margins by definition."""
    covariance = {
        m: random_covariance(10 * seed + i, 0.003) for i, m in enumerate(("auc", "accuracy"))
    }
    margins = Margins(exposed(), errors_of(covariance))
    rng = np.random.default_rng(seed)
    names = list(ACCURACY)
    n = 40_000
    auc = rng.multivariate_normal([AUC[d] for d in names], covariance["auc"], size=n)
    accuracy = rng.multivariate_normal([ACCURACY[d] for d in names], covariance["accuracy"], size=n)

    def drawn(defense):
        i, low, high = names.index(defense), 1, 2  # between DP-SGD and none
        slope = (auc[:, high] - auc[:, low]) / (accuracy[:, high] - accuracy[:, low])
        return auc[:, low] + slope * (accuracy[:, i] - accuracy[:, low]) - auc[:, i]

    for defense in ("good", "bad"):
        known = margins.of(defense).difference.error
        assert known == pytest.approx(drawn(defense).std(), rel=0.05)
    (difference,) = margins.between(margins.of("good"), margins.of("bad"))
    assert difference.error == pytest.approx((drawn("good") - drawn("bad")).std(), rel=0.05)
    assert difference.value == pytest.approx(0.2)


def test_what_both_margins_have_in_common_cancels():
    """Errors of the frontier alone leave the difference of two equally accurate defenses as it is."""
    covariance = np.zeros((5, 5))
    covariance[:3, :3] = 0.01**2
    margins = Margins(exposed(), errors_of({"auc": covariance, "accuracy": np.zeros((5, 5))}))
    good, bad = margins.of("good"), margins.of("bad")
    assert good.difference.error == pytest.approx(0.01)
    (difference,) = margins.between(good, bad)
    assert difference.error == pytest.approx(0, abs=1e-9)


def test_ranks_are_shared_where_margins_cannot_be_told_apart():
    for scale, expected in (
        (1e-4, {"good": (1, 1), "bad": (2, 2)}),
        (1.0, {"good": (1, 2), "bad": (1, 2)}),
    ):
        same = {m: scale**2 * np.eye(5) for m in ("auc", "accuracy")}
        margins = Margins(exposed(), errors_of(same))
        assert margins.ranks([margins.of("good"), margins.of("bad")]) == expected


def test_errors_that_do_not_fit_together_are_not_taken_for_certainty():
    """With weights 1, -.5 and -.5, errors of .01 to both and .03 between them have no variance."""
    of = {frozenset(["good", "dp-sgd[epsilon=8]"]): 0.01, frozenset(["good", "none"]): 0.01}

    def errors(first, second, measure):
        return of.get(frozenset([first["defense"], second["defense"]]), 0.03), 500

    margins = Margins(exposed(), Differences(errors))
    assert margins.of("good").difference.error >= 0.01


def test_unpaired_errors_add_up():
    """Intervals of .1 on both sides: nothing is stored that pairs rows."""
    rows = exposed()
    for name, one in rows.items():
        one["auc_ci"] = [AUC[name] - 0.1, AUC[name] + 0.1]
        one["test_accuracy_ci"] = [ACCURACY[name], ACCURACY[name]]
    margin = Margins(rows, Differences()).of("good").difference
    low, high = margin.interval
    assert not margin.paired
    assert (high - low) / 2 == pytest.approx(0.2)


def test_values_and_errors_are_of_the_same_seeds():
    """A row of a seed that others lack has no part in the margin."""
    covariance = {m: random_covariance(0) for m in ("auc", "accuracy")}
    margins = Margins(exposed(), errors_of(covariance))
    more = exposed()
    good = more["good"]
    other = good | {"seed": 1, "auc": 0.0}
    more["good"] = good | {"parts": {0: good, 1: other}}
    assert Margins(more, errors_of(covariance)).of("good") == margins.of("good")


def test_without_errors_there_is_no_margin():
    margins = Margins(exposed(), Differences())
    assert margins.of("good") is None
