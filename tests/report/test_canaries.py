"""The worst kind of canaries, corrected for the choice."""

import numpy as np
import pytest
from scipy.stats import t

from privbench.report.canaries import largest, named, worst_kinds
from privbench.report.tradeoff import tradeoff_figure
from privbench.report.views import attacks, summary, utility

N_MODELS = 16
QUANTILE = t.ppf(0.975, N_MODELS - 1)


def interval_at(rate, error):
    """A 95% interval with a standard error on the arcsine scale."""
    angle = np.arcsin(np.sqrt(rate))
    ends = angle + np.array([-1, 1]) * QUANTILE * error
    return tuple(np.sin(ends) ** 2)


def test_one_rate_is_as_it_was():
    worst, value, interval = largest([0.3], [(0.2, 0.45)], N_MODELS)
    assert worst == 0
    assert value == pytest.approx(0.3)
    assert interval == pytest.approx((0.2, 0.45))


def test_a_rate_that_stands_out_keeps_its_estimate_and_has_a_wider_interval():
    estimates = [0.1, 0.9, 0.2]
    worst, value, interval = largest(estimates, [interval_at(e, 0.01) for e in estimates], N_MODELS)
    assert worst == 1
    assert value == pytest.approx(0.9)
    reach = t.ppf(1 - 0.025 / 3, N_MODELS - 1) * 0.01
    ends = np.sin(np.arcsin(np.sqrt(0.9)) + np.array([-reach, reach])) ** 2
    assert interval == pytest.approx(ends)


def test_of_equal_rates_the_estimate_is_reduced_by_the_median_of_their_maximum():
    ends = interval_at(0.5, 0.05)
    _, value, _ = largest([0.5] * 4, [ends] * 4, N_MODELS)
    draws = np.random.default_rng(0).standard_t(N_MODELS - 1, (100_000, 4)).max(axis=1)
    reduced = np.sin(np.arcsin(np.sqrt(0.5)) - np.median(draws) * 0.05) ** 2
    assert value == pytest.approx(reduced, abs=0.001)


def test_an_uncertain_kind_is_not_the_worst_by_its_noise():
    estimates, errors = [0.30, 0.32], [0.005, 0.2]
    intervals = [interval_at(*pair) for pair in zip(estimates, errors, strict=True)]
    worst, _, (low, high) = largest(estimates, intervals, N_MODELS)
    assert worst == 0
    assert 0.28 < low < 0.30 < high < 0.32


def test_rates_at_the_ends_stay_rates():
    for estimates, intervals in (
        ([0.0, 0.0], [(0.0, 0.01), (0.0, 0.01)]),
        ([1.0, 1.0], [(0.99, 1.0), (0.99, 1.0)]),
    ):
        _, value, (low, high) = largest(estimates, intervals, N_MODELS)
        assert 0 <= low <= value <= high <= 1


@pytest.mark.parametrize("correlation", [0.0, 0.7])
@pytest.mark.parametrize("gap", [0.0, 0.1, 0.6])
def test_the_interval_covers_the_rate_of_the_kind_that_is_chosen(correlation, gap):
    """Six kinds, of which five are less exposed by ``gap`` on the arcsine scale; each has 16 models."""
    rng = np.random.default_rng(1)
    truth = np.full(6, 0.9)
    truth[1:] -= gap
    largest_rate, n = np.sin(0.9) ** 2, 1000
    covered, naive, above, naive_above = np.zeros((4, n))
    for i in range(n):
        common = rng.normal(size=(N_MODELS, 1))
        noise = correlation**0.5 * common + (1 - correlation) ** 0.5 * rng.normal(
            size=(N_MODELS, 6)
        )
        models = truth + 0.3 * noise
        angles, errors = models.mean(axis=0), models.std(axis=0, ddof=1) / N_MODELS**0.5
        rates = np.sin(angles) ** 2
        intervals = [interval_at(*pair) for pair in zip(rates, errors, strict=True)]
        worst, value, (low, high) = largest(list(rates), intervals, N_MODELS)
        covered[i] = low <= np.sin(truth[worst]) ** 2 <= high
        above[i] = value > largest_rate
        chosen = intervals[rates.argmax()]
        naive[i] = chosen[0] <= largest_rate <= chosen[1]
        naive_above[i] = rates.max() > largest_rate
    assert covered.mean() > 0.94
    assert above.mean() < 0.54
    if gap == 0 and correlation == 0:
        assert above.mean() > 0.44
        assert naive.mean() < 0.90
        assert naive_above.mean() > 0.95


def test_rows_of_a_trial_become_one_of_its_worst_kind(row):
    def canaries(kind, **values):
        return row(subset="canaries", canary_kind=kind, **values)

    rows = [
        canaries("mislabel", tpr=0.1, auc=0.9),
        canaries("twin", tpr=0.8, auc=0.6),
        canaries("mislabel", tpr=0.2, attack="loss"),
        canaries("twin", tpr=None, attack="loss"),
        canaries("blank", status="skipped", tpr=None),
    ]
    lira, loss = worst_kinds(rows, "tpr")
    assert (lira["attack"], lira["canary_kind"]) == ("lira", "twin")
    assert lira["tpr_at_fpr"]["0.01"]["value"] == pytest.approx(0.8)
    low, high = lira["tpr_at_fpr"]["0.01"]["ci"]
    assert low < 0.4 < 0.9 < high
    assert lira["auc"] == 0.6
    assert loss is rows[2]
    assert [r["canary_kind"] for r in worst_kinds(rows[:2], "auc")] == ["mislabel"]
    assert rows[1]["tpr_at_fpr"]["0.01"]["value"] == 0.8
    assert worst_kinds(rows[3:], "tpr") == []


def test_cells_name_the_kind(row):
    assert named(".934", row(canary_kind="twin")) == ".934 twin"
    assert named(".934", row()) == ".934"
    assert named("-", None) == "-"


@pytest.fixture
def kinds(row):
    """Two defenses with two kinds; the interval of a TPR is [TPR / 2, TPR + .1]."""
    canaries = {"subset": "canaries", "canary_kind": "mislabel"}
    private = {"defense": "dp-sgd", "test_accuracy": 0.7}
    return [
        row(),
        row(**canaries, tpr=0.01, auc=0.8, auc_ci=[0.75, 0.85]),
        row(**canaries | {"canary_kind": "twin"}, tpr=0.6, auc=0.6, auc_ci=[0.55, 0.65]),
        row(**private),
        row(**private, **canaries, tpr=0.3),
        row(**private, **canaries | {"canary_kind": "twin"}, tpr=0.01),
    ]


def test_the_views_name_the_worst_kind(kinds):
    cell = {line["defense"]: line for line in summary(kinds)[0].lines}
    header = "canaries\nTPR at 1% FPR"
    assert cell["none"][header].startswith(".600 [")
    assert cell["none"][header].endswith("] twin")
    assert cell["dp-sgd"][header].endswith("] mislabel")
    (none, _) = utility(kinds)[0].lines
    assert none["canaries\nTPR"] == ".600 twin"
    assert none["dp-sgd at\nthis TPR"] == ".700"


def test_the_view_of_attacks_has_a_line_for_each_kind(kinds, row):
    lines = attacks(kinds)[0].lines
    assert [line["canary kind"] for line in lines] == ["-", "-", *["mislabel", "twin"] * 2]
    assert "canary kind" not in attacks([row()])[0].lines[0]


@pytest.mark.parametrize(("measure", "none"), [("tpr", 0.6), ("auc", 0.8)])
def test_the_plot_shows_the_worst_kind(kinds, measure, none):
    figure = tradeoff_figure(kinds, measure)
    (line,) = [c.lines[0] for c in figure.axes[1].containers if c.get_label() == "none"]
    assert list(line.get_ydata()) == [pytest.approx(none)]
