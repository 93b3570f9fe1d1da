"""Lower bounds on epsilon: golden values, slow references, and how often they err."""

import time

import numpy as np
import pytest
from scipy.stats import beta

from privbench.metrics import epsilon_lower_bound
from privbench.metrics.epsilon import N_CANDIDATES, thresholds_of_largest_bound
from privbench.metrics.pairs import Pairs
from privbench.metrics.threshold import ABOVE_ALL_SCORES
from privbench.metrics.tradeoff import gaussian_mu

from .reference import slow_clopper_pearson


def randomised_response(rng, n_models, n_records, epsilon, noise=0.3):
    """Return scores of an exactly epsilon-DP mechanism, and the membership.

    Each membership bit is kept with probability e^eps / (1 + e^eps). Noise without information makes
    the scores distinct, so that there are thresholds to choose among.
    """
    member = rng.random((n_models, n_records)) < 0.5
    lie = rng.random(member.shape) >= 1 / (1 + np.exp(-epsilon))
    return (member ^ lie) + noise * rng.normal(size=member.shape), member


def refuted(rng, epsilon, runs, n_models=6, n_records=40):
    """Return the fraction of ``runs`` in which an exactly epsilon-DP mechanism is refuted."""
    count = 0
    for _ in range(runs):
        scores, member = randomised_response(rng, n_models, n_records, epsilon)
        bound = epsilon_lower_bound(scores, member, scores, member, leave_one_out=True)
        count += bound > epsilon
    return count / runs


def test_a_true_guarantee_is_rarely_refuted_and_a_false_one_is(rng):
    assert refuted(rng, 1.0, runs=100) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)
    scores, member = randomised_response(rng, 16, 200, 3.0, noise=0.1)
    bound = epsilon_lower_bound(scores, member, scores, member, leave_one_out=True)
    assert 2.4 < bound < 3.0


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.0, 1.0, 3.0])
def test_a_true_guarantee_is_refuted_in_at_most_5_percent(epsilon):
    rng = np.random.default_rng(int(epsilon))
    share = refuted(rng, epsilon, runs=1000, n_models=16, n_records=50)
    assert share <= 0.05


@pytest.mark.parametrize(("true", "false"), [(98, 60), (40, 2)], ids=["acquits", "accuses"])
@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_the_bound_is_clopper_pearson_at_a_quarter_of_the_error(true, false, delta):
    """Of 100 members ``true`` score 1, of 100 non-members ``false``; all others score 0."""
    member = np.repeat([True, False], 100)[None]
    scores = np.repeat([1.0, 0.0, 1.0, 0.0], [true, 100 - true, false, 100 - false])[None]
    bound = epsilon_lower_bound(scores, member, scores, member, leave_one_out=False, delta=delta)
    expected = slow_clopper_pearson(true, 100, false, 100, delta, 0.05 / 4)
    assert bound == pytest.approx(expected, rel=1e-9)
    half = np.arange(200)[None] % 2 == 0
    counted = epsilon_lower_bound(
        scores, member, scores, member, leave_one_out=False, delta=delta, counted=half
    )
    expected = slow_clopper_pearson(true // 2, 50, false // 2, 50, delta, 0.05 / 4)
    assert counted == pytest.approx(expected, rel=1e-9)


def test_separate_shadows_may_have_scored_other_records(rng):
    scores, member = randomised_response(rng, 4, 500, 2.0)
    shadow_scores, shadow_member = randomised_response(rng, 3, 200, 2.0)
    bound = epsilon_lower_bound(scores, member, shadow_scores, shadow_member, leave_one_out=False)
    assert 1.5 < bound < 2.2


def test_the_threshold_is_not_chosen_on_the_target():
    """Shadows whose scores point the wrong way make the adversary call non-members members."""
    rng = np.random.default_rng(0)
    scores, member = randomised_response(rng, 4, 200, 4.0)
    assert epsilon_lower_bound(scores, member, -scores, ~member, leave_one_out=False) < 4
    backwards = epsilon_lower_bound(scores, member, scores, ~member, leave_one_out=False)
    assert backwards == 0.0


def test_shadows_of_one_kind_imply_nothing(rng):
    scores, member = randomised_response(rng, 4, 50, 4.0)
    one_kind = np.ones_like(member)
    assert epsilon_lower_bound(scores, member, scores, one_kind, leave_one_out=False) == 0.0


def slow_threshold_of_largest_bound(scores, member, delta, tail):
    """Sort these scores alone, and return the candidate threshold of the largest bound."""
    if not 0 < member.sum() < member.size:
        return ABOVE_ALL_SCORES
    values = np.unique(scores)[::-1]
    n = len(values)
    even = np.linspace(0, n - 1, N_CANDIDATES // 2).astype(int)
    ends = np.geomspace(1, n, N_CANDIDATES // 4).astype(int) - 1
    values = values[np.unique(np.concatenate([even, ends, n - 1 - ends]))]
    inside, outside = np.sort(scores[member]), np.sort(scores[~member])
    missed = np.searchsorted(inside, values)
    false = len(outside) - np.searchsorted(outside, values)
    fnr = beta.ppf(1 - tail, missed + 1, np.maximum(len(inside) - missed, 1))
    fpr = beta.ppf(1 - tail, false + 1, np.maximum(len(outside) - false, 1))
    fnr[missed == len(inside)] = fpr[false == len(outside)] = 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = np.where(1 - fnr > delta, np.log((1 - fnr - delta) / fpr), -np.inf)
    return values[bounds.argmax()] if bounds.max() > 0 else ABOVE_ALL_SCORES


@pytest.mark.parametrize("delta", [0.0, 0.01])
@pytest.mark.parametrize("decimals", [None, 2, 0])
@pytest.mark.parametrize(("n_models", "n_records"), [(1, 40), (2, 30), (5, 400), (12, 150)])
def test_one_sort_chooses_the_thresholds_of_a_sort_for_each(
    rng, n_models, n_records, decimals, delta
):
    member = rng.random((n_models, n_records)) < 0.5
    member[0] = True
    scores = rng.normal(size=member.shape) + 2 * member
    scores = scores if decimals is None else scores.round(decimals)
    rows = np.arange(n_models)
    pairs = Pairs.sort(scores, member)

    def bound(counts):
        return counts.epsilon_bound(delta, 0.0125)

    for sorted_pairs, (s, m) in ((pairs, (scores, member)), (pairs.mirrored(), (-scores, ~member))):
        thresholds = thresholds_of_largest_bound(sorted_pairs, bound, leave_one_out=True)
        expected = [
            slow_threshold_of_largest_bound(s[rows != i], m[rows != i], delta, 0.0125) for i in rows
        ]
        np.testing.assert_array_equal(thresholds, expected)
        thresholds = thresholds_of_largest_bound(sorted_pairs, bound, leave_one_out=False)
        assert thresholds == [slow_threshold_of_largest_bound(s, m, delta, 0.0125)]


def test_many_models_take_seconds(rng):
    member = rng.random((64, 10_000)) < 0.5
    scores = rng.normal(size=member.shape) + member
    started = time.process_time()
    epsilon_lower_bound(scores, member, scores, member, leave_one_out=True)
    assert time.process_time() - started < 3


def gaussian_bounds(rng, epsilon, repeats, shape=(16, 60)):
    """Return Gaussian bounds from an optimal adversary's scores, thresholds from other draws."""
    mu, bounds = gaussian_mu(epsilon, 1e-5), []
    for _ in range(repeats):
        member = rng.random((2, *shape)) < 0.5
        scores = rng.normal(size=member.shape) + mu * member
        bounds.append(
            epsilon_lower_bound(
                scores[0], member[0], scores[1], member[1],
                leave_one_out=False, delta=1e-5, gaussian=True,
            )
        )  # fmt: skip
    return np.array(bounds)


@pytest.mark.parametrize(("epsilon", "median"), [(4.0, 2.87), (8.0, 6.45)])
def test_the_gaussian_bound_is_near_the_truth(rng, epsilon, median):
    """960 trials at a threshold that is fixed give these medians; here it is chosen on shadows."""
    assert np.median(gaussian_bounds(rng, epsilon, 60)) == pytest.approx(median, abs=0.35)


@pytest.mark.parametrize(
    ("epsilon", "repeats"),
    [(1.0, 100), *(pytest.param(e, 2000, marks=pytest.mark.slow) for e in (0.0, 1.0, 4.0))],
)
def test_a_true_gaussian_epsilon_is_rarely_refuted(rng, epsilon, repeats):
    share = (gaussian_bounds(rng, epsilon, repeats) > epsilon).mean()
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)
