"""Bounds from guesses about coins: golden values, a slow reference, and how often they err."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from privbench.metrics import Coins, TradeOff, epsilon_bound, gaussian_bound, one_run_bound
from privbench.metrics.one_run import guess_coins, p_value, p_value_of_epsilon, tails_of_total
from privbench.metrics.tradeoff import gaussian_mu

GOLDEN = [
    (500, 100, 100, 1e-5, 0.05, 3.479195),
    (500, 100, 100, 1e-5, 0.01, 3.023198),
    (500, 100, 60, 1e-5, 0.05, 0.0507356),
    (500, 35, 23, 1e-5, 0.05, 0.0145487),
    (1000, 1000, 700, 1e-5, 0.05, 0.7317405),
    (5000, 500, 400, 1e-5, 0.05, 1.1952183),
]
GAUSSIAN_GOLDEN = [
    (500, 100, 100, 6.1218),
    (1000, 200, 180, 2.9012),
    (960, 192, 192, 7.1912),
    (1000, 100, 100, 5.5490),
    (5000, 500, 400, 1.6832),
]


def bound(records, guesses, correct, delta=0.0, confidence=0.95):
    return epsilon_bound(Coins.of_one_run(records, guesses, correct), delta, confidence)


@pytest.mark.parametrize(("records", "guesses", "correct", "delta", "level", "epsilon"), GOLDEN)
def test_epsilon_golden(records, guesses, correct, delta, level, epsilon):
    found = bound(records, guesses, correct, delta, 1 - level)
    assert found == pytest.approx(epsilon, rel=2e-6)


@pytest.mark.parametrize(("records", "guesses", "correct", "epsilon"), GAUSSIAN_GOLDEN)
def test_gaussian_golden(records, guesses, correct, epsilon):
    found = gaussian_bound(Coins.of_one_run(records, guesses, correct), delta=1e-5)
    assert found == pytest.approx(epsilon, abs=5e-5)


def test_without_delta_it_is_a_binomial_test():
    """Theorem 3.1: P[Binomial(r, e^eps / (1 + e^eps)) >= v] = 5%."""
    epsilon = bound(100, 80, 70)
    assert binom.sf(69, 80, 1 / (1 + np.exp(-epsilon))) == pytest.approx(0.05)


@pytest.mark.parametrize("correct", [0, 20, 50])
def test_chance_implies_nothing(correct):
    coins = Coins.of_one_run(100, 100, correct)
    assert epsilon_bound(coins, delta=1e-5) == gaussian_bound(coins, delta=1e-5) == 0.0


@pytest.mark.parametrize(("guesses", "correct"), [(5, 6), (11, 3), (5, -1)])
def test_impossible_counts_are_refused(guesses, correct):
    with pytest.raises(ValueError, match="correct <= guesses <= records"):
        Coins.of_one_run(10, guesses, correct)


def test_counts_of_different_runs_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        Coins(np.array([10, 10]), np.array([5]), np.array([5]))


def test_more_evidence_delta_and_confidence_move_the_bound():
    base = bound(500, 100, 90, 1e-5)
    assert bound(500, 100, 91, 1e-5) > base
    assert bound(500, 100, 90, 1e-3) < base
    assert bound(5000, 100, 90, 1e-4) < base
    assert bound(500, 100, 90, 1e-5, confidence=0.9) > base


def slow_excess(tail, records, guesses, correct, fpr):
    """Return R_0 + H_0, minus what it must be: the recursion of arXiv 2410.22235, a line at a time."""
    right, wrong = tail * correct / records, tail * (guesses - correct) / records
    for i in range(correct - 1, -1, -1):
        new = max(wrong, fpr(right))
        right, wrong = min(1.0, right + i / (guesses - i) * (new - wrong)), new
    return right + wrong - guesses / records


def slow_p_value(records, guesses, correct, fpr):
    low, high = -40.0, 0.0
    if slow_excess(1.0, records, guesses, correct, fpr) <= 0:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        impossible = slow_excess(np.exp(middle), records, guesses, correct, fpr) > 0
        low, high = (low, middle) if impossible else (middle, high)
    return np.exp(high)


def gaussian_fpr(mu):
    return lambda tpr: norm.cdf(norm.ppf(tpr) - mu)


def profile_fpr(points):
    def fpr(tpr):
        lines = [0.0]
        for epsilon, delta in points:
            lines += [1 - delta - np.exp(epsilon) * (1 - tpr), np.exp(-epsilon) * (tpr - delta)]
        return max(lines)

    return fpr


PROFILE = [(0.2, 1e-2), (1.0, 1e-4)]


@pytest.mark.parametrize(
    ("claim", "fpr"),
    [
        (TradeOff.gaussian(0.4), gaussian_fpr(0.4)),
        (TradeOff.gaussian(1.5), gaussian_fpr(1.5)),
        (TradeOff.of_profile(PROFILE), profile_fpr(PROFILE)),
    ],
)
@pytest.mark.parametrize(
    "counts", [(60, 12, 11), (60, 12, 12), (60, 60, 45), (30, 1, 1), (500, 80, 60)]
)
def test_p_value_of_one_run_reference(claim, fpr, counts):
    expected = slow_p_value(*counts, fpr)
    assert p_value(Coins.of_one_run(*counts), claim) == pytest.approx(expected, rel=1e-4)


def test_p_value_of_several_runs_is_the_tail_of_a_sum():
    """The tails of each run, from the slow reference, convolved term by term."""
    claim, fpr, distribution = TradeOff.gaussian(0.8), gaussian_fpr(0.8), np.ones(1)
    layouts = [(60, 12), (60, 12), (40, 5), (20, 0)]
    for records, guesses in layouts:
        tails = [1.0] + [slow_p_value(records, guesses, v, fpr) for v in range(1, guesses + 1)]
        distribution = np.convolve(distribution, -np.diff([*tails, 0.0]))
    records, guesses = np.array(layouts).T
    np.testing.assert_allclose(
        tails_of_total(records, guesses, claim), distribution[::-1].cumsum()[::-1], rtol=1e-4
    )
    correct = np.array([11, 12, 4, 0])
    expected = distribution[27:].sum()
    assert p_value(Coins(records, guesses, correct), claim) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("correct", "apart", "as_one"), [(12, 8.47, 6.72), (11, 3.50, 3.10), (9, 1.13, 1.23)]
)
def test_bounds_of_several_runs_are_those_of_the_docs(correct, apart, as_one):
    runs = np.ones(12, dtype=np.int64)
    found = gaussian_bound(Coins(60 * runs, 12 * runs, correct * runs), delta=1e-5)
    assert found == pytest.approx(apart, abs=0.01)
    whole = Coins.of_one_run(720, 144, 12 * correct)
    assert gaussian_bound(whole, delta=1e-5) == pytest.approx(as_one, abs=0.01)


def test_the_runs_of_an_epsilon_claim_count_as_one():
    coins = Coins(np.full(12, 60), np.full(12, 12), np.full(12, 11))
    whole = Coins.of_one_run(720, 144, 132)
    assert p_value_of_epsilon(coins, 1.5, 1e-5) == p_value_of_epsilon(whole, 1.5, 1e-5) < 0.05
    assert epsilon_bound(coins, 1e-5) == epsilon_bound(whole, 1e-5)


def test_p_values_rise_with_the_claim_and_fall_with_the_evidence():
    runs = np.ones(8, dtype=np.int64)
    p = [
        p_value(Coins(50 * runs, 20 * runs, 17 * runs), TradeOff.gaussian(mu))
        for mu in (0.2, 0.5, 1)
    ]
    assert p == sorted(p)
    assert p[0] < p[-1]
    tails = tails_of_total(50 * runs, 20 * runs, TradeOff.gaussian(0.5))
    assert (np.diff(tails) <= 0).all()
    assert tails[0] == pytest.approx(1.0)


def test_coins_of_runs_count_by_hand():
    """It guesses about 20 of 100 records: 9 of the 10 highest and 8 of the 10 lowest are correct."""
    member = np.arange(100) % 2 == 0
    member[90:] = [True] * 9 + [False]
    member[:10] = [False] * 8 + [True] * 2
    scores = np.arange(100.0)
    coins = guess_coins(
        np.stack([scores, -scores]), np.stack([member, member]), np.random.default_rng(0)
    )
    assert (coins.records == 100).all()
    assert (coins.guesses == 20).all()
    assert coins.correct.tolist() == [17, 3]
    found = one_run_bound(scores, member, rng=np.random.default_rng(0))
    assert found == bound(100, 20, 17)


def test_guesses_do_not_read_the_order_of_tied_records(rng):
    """All scores are equal, and members come first, or last."""
    for member in (np.arange(1000) < 500, np.arange(1000) >= 500):
        assert one_run_bound(np.zeros(1000), member, rng=rng) < 0.5


def randomised_response(rng, n_models, n_records, epsilon, noise=0.3):
    """Return scores of an exactly epsilon-DP mechanism, and the membership."""
    member = rng.random((n_models, n_records)) < 0.5
    lie = rng.random(member.shape) >= 1 / (1 + np.exp(-epsilon))
    return (member ^ lie) + noise * rng.normal(size=member.shape), member


def one_run_bounds(rng, epsilon, runs, n=500):
    cases = [randomised_response(rng, 1, n, epsilon) for _ in range(runs)]
    return np.array([one_run_bound(s[0], m[0], rng=rng) for s, m in cases])


def test_one_run_bound_comes_close_to_the_true_epsilon(rng):
    bounds = one_run_bounds(rng, 3.0, runs=20, n=2000)
    assert 2.0 < np.median(bounds) < 3.0


@pytest.mark.parametrize(
    ("epsilon", "runs"),
    [(1.0, 200), *(pytest.param(e, 2000, marks=pytest.mark.slow) for e in (0.0, 1.0, 3.0))],
)
def test_one_run_bound_is_refuted_in_at_most_5_percent(rng, epsilon, runs):
    share = (one_run_bounds(rng, epsilon, runs) > epsilon).mean()
    assert share <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)


def gaussian_totals(rng, mu, n_runs, n_records, populations):
    """Return the correct guesses of an optimal adversary on a Gaussian mechanism, (populations,)."""
    totals = []
    for _ in range(populations):
        member = rng.random((n_runs, n_records)) < 0.5
        coins = guess_coins(rng.normal(size=member.shape) + mu * member, member, rng)
        totals.append(int(coins.correct.sum()))
    return np.array(totals), coins


@pytest.mark.parametrize(
    ("epsilon", "populations"),
    [(2.0, 300), *(pytest.param(e, 4000, marks=pytest.mark.slow) for e in (0.0, 0.5, 2.0, 8.0))],
)
@pytest.mark.parametrize(("n_runs", "n_records"), [(1, 500), (12, 60)])
def test_a_true_gaussian_claim_is_refuted_in_at_most_5_percent(
    rng, epsilon, populations, n_runs, n_records
):
    mu = gaussian_mu(epsilon, 1e-5)
    totals, layout = gaussian_totals(rng, mu, n_runs, n_records, populations)
    tails = tails_of_total(layout.records, layout.guesses, TradeOff.gaussian(mu))
    allowed = 0.05 + 3 * np.sqrt(0.05 * 0.95 / populations)
    assert (tails[totals] <= 0.05).mean() <= allowed
