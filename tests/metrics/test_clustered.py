"""Variance clustered by models and by records: references, closed forms and coverage."""

import numpy as np
import pytest

from privbench.metrics.accuracy import accuracy, accuracy_difference, class_balanced_accuracy
from privbench.metrics.clustered import (
    Estimate,
    clustered_variance,
    difference_interval,
    one_way_variance,
    proportion_interval,
    rate_interval,
)


@pytest.fixture
def psi(rng):
    return rng.normal(size=(5, 9)) + rng.normal(size=(5, 1)) + rng.normal(size=(1, 9))


def by_loops(psi):
    """The sum over all pairs of pairs that share a model, or a record, or both."""
    m, n = psi.shape
    models = records = pairs = 0.0
    for i in range(m):
        for j in range(n):
            models += sum(psi[i, j] * psi[i, other] for other in range(n))
            records += sum(psi[i, j] * psi[other, j] for other in range(m))
            pairs += psi[i, j] ** 2
    models, records = models * m / (m - 1), records * n / (n - 1)
    return max(models + records - pairs, min(models, records))


def test_the_variance_equals_that_by_loops(psi):
    assert clustered_variance(psi) == pytest.approx(by_loops(psi))


def test_the_order_of_models_and_of_records_does_not_matter(psi, rng):
    shuffled = psi[rng.permutation(5)][:, rng.permutation(9)]
    assert clustered_variance(shuffled) == pytest.approx(clustered_variance(psi))
    assert clustered_variance(psi.T) == pytest.approx(clustered_variance(psi))
    assert clustered_variance(3 * psi) == pytest.approx(9 * clustered_variance(psi))


def test_records_that_are_alike_for_all_models_are_a_sample_of_records(rng):
    of_record = rng.random(50) < 0.7
    values = np.tile(of_record, (8, 1))
    psi = (values - values.mean()) / values.size
    # V_models is 0, and V_pairs is V_records (49 / 50) / 8
    expected = of_record.var(ddof=1) / 50 * (1 - 49 / 50 / 8)
    assert clustered_variance(psi) == pytest.approx(expected)
    assert one_way_variance(psi.T) == pytest.approx(of_record.var(ddof=1) / 50)


def test_models_that_are_alike_for_all_records_are_a_sample_of_models(rng):
    of_model = rng.random(12)
    values = np.tile(of_model[:, None], (1, 40))
    psi = (values - values.mean()) / values.size
    expected = of_model.var(ddof=1) / 12 * (1 - 11 / 12 / 40)
    assert clustered_variance(psi) == pytest.approx(expected)
    assert one_way_variance(psi) == pytest.approx(of_model.var(ddof=1) / 12)


def test_pairs_of_a_model_that_cancel_make_no_variance_over_models(rng):
    """Then V is V_records less V_pairs, or 0 where records cancel, too."""
    psi = rng.normal(size=(6, 20))
    psi -= psi.mean(axis=1, keepdims=True)
    raw = 20 / 19 * (psi.sum(axis=0) ** 2).sum() - (psi**2).sum()
    assert clustered_variance(psi) == pytest.approx(max(raw, 0), abs=1e-12)
    assert clustered_variance(psi - psi.mean(axis=0)) == pytest.approx(0, abs=1e-12)


def test_one_model_or_one_record_says_nothing():
    assert clustered_variance(np.ones((1, 5))) == float("inf")
    assert proportion_interval(0.5, np.zeros((1, 5))) == (0.0, 1.0)
    assert difference_interval(0.1, np.zeros((5, 1))) == (-1.0, 1.0)
    assert rate_interval(0.1, np.zeros((5, 1)), 5) == (0.0, 1.0)
    assert not Estimate.of(0.9, np.zeros((1, 5)), "models").exceeds(0.0, 0.5)


def test_a_limit_is_exceeded_by_more_than_the_error():
    estimate = Estimate(0.6, 0.02, 16)
    assert estimate.exceeds(0.5, 0.999)  # 5 errors; t(15) at 99.9% is 3.73
    assert not estimate.exceeds(0.53, 0.999)


def test_an_estimate_rests_on_what_it_is_over(psi):
    both, models, records = (
        Estimate.of(0.5, psi, over) for over in ("models and records", "models", "records")
    )
    assert both == Estimate(0.5, clustered_variance(psi) ** 0.5, 5)
    assert models == Estimate(0.5, (5 / 4 * (psi.sum(axis=1) ** 2).sum()) ** 0.5, 5)
    assert records == Estimate(0.5, (9 / 8 * (psi.sum(axis=0) ** 2).sum()) ** 0.5, 9)


def test_where_all_pairs_agree_the_interval_is_clopper_pearson():
    low, high = proportion_interval(1.0, np.zeros((4, 30)))
    assert low == pytest.approx(0.025 ** (1 / 30))
    assert high == 1.0


def drawn(rng, m, n, models, records, own=0.0):
    """Correct predictions of two populations; ``own`` is an effect of records on one of both."""
    of_record = 1.5 + rng.normal(0, records, (1, n))
    logits = (
        of_record + rng.normal(0, own, (1, n)) + rng.normal(0, models, (m, 1)) for _ in range(2)
    )
    return [rng.random((m, n)) < 1 / (1 + np.exp(-x)) for x in logits]


def coverage(rng, repeats, m, n, models, records, own=0.0):
    effects = np.sqrt(models**2 + records**2 + own**2) * rng.normal(size=10**6)
    truth = (1 / (1 + np.exp(-1.5 - effects))).mean()
    covered = np.zeros(2)
    for _ in range(repeats):
        first, second = drawn(rng, m, n, models, records, own)
        low, high = accuracy(first)[1]
        covered[0] += low <= truth <= high
        low, high = accuracy_difference(first, second)[1]
        covered[1] += low <= 0 <= high
    return covered / repeats


def test_intervals_cover_the_truth(rng):
    assert coverage(rng, 200, 16, 100, 0.2, 1.5) == pytest.approx(0.96, abs=0.04)


def test_differences_cover_the_truth_where_records_are_hard_for_one_of_both(rng):
    """With the variance of models alone, .76 of the intervals of the difference cover it."""
    assert coverage(rng, 200, 16, 300, 0.1, 1.0, own=1.0) == pytest.approx(0.96, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize(("m", "n"), [(16, 300), (64, 300), (16, 1000)])
@pytest.mark.parametrize(
    ("models", "records", "own"),
    [(0.1, 2.0, 0.0), (0.1, 1.5, 1.0), (0.3, 0.0, 0.0), (0.0, 0.0, 0.0)],
)
def test_coverage(rng, m, n, models, records, own):
    """Between .94 and .98 each (2,000 repeats have a standard error of .005)."""
    assert coverage(rng, 2000, m, n, models, records, own) == pytest.approx(0.962, abs=0.03)


def test_a_paired_interval_is_narrower_than_those_of_both_accuracies(rng):
    first, second = drawn(rng, 16, 300, 0.1, 2.0)
    low, high = accuracy_difference(first, second)[1]
    ends = [accuracy(correct)[1] for correct in (first, second)]
    assert high - low < 0.7 * np.hypot(*(end[1] - end[0] for end in ends))


def test_a_population_does_not_differ_from_itself(rng):
    correct = rng.random((4, 20)) < 0.5
    assert accuracy_difference(correct, correct) == (0.0, (0.0, 0.0))


def test_differences_change_sign_with_the_order(rng):
    first, second = rng.random((2, 4, 20)) < 0.5
    difference, (low, high) = accuracy_difference(first, second)
    reverse, interval = accuracy_difference(second, first)
    assert reverse == pytest.approx(-difference)
    assert interval == pytest.approx((-high, -low))


def test_balanced_accuracy_is_the_mean_over_classes(rng):
    labels = np.repeat([0, 1, 4], [30, 6, 4])
    correct = rng.random((5, 40)) < 0.6
    estimate, (low, high) = class_balanced_accuracy(correct, labels)
    assert estimate == pytest.approx(np.mean([correct[:, labels == c].mean() for c in (0, 1, 4)]))
    assert low < estimate < high


def test_with_equal_classes_both_accuracies_are_equal_and_strata_narrow_the_interval(rng):
    labels = np.repeat([0, 1], 50)
    correct = rng.random((8, 100)) < np.where(labels == 0, 0.95, 0.4)
    plain, balanced = accuracy(correct), class_balanced_accuracy(correct, labels)
    assert balanced[0] == pytest.approx(plain[0])
    assert balanced[1][1] - balanced[1][0] < plain[1][1] - plain[1][0]


def test_a_class_of_one_record_says_nothing_about_other_records_of_it():
    correct = np.array([[True, True, False, True]] * 3)
    assert class_balanced_accuracy(correct, np.array([0, 0, 0, 1]))[1] == (0.0, 1.0)


def balanced_coverage(rng, repeats, m, counts):
    """The share of intervals of balanced accuracy that cover the truth, with classes of these sizes."""
    labels = np.repeat(np.arange(len(counts)), counts)
    means = np.linspace(0.5, 2.5, len(counts))
    effects = np.sqrt(0.1**2 + 2**2) * rng.normal(size=10**6)
    truth = np.mean([(1 / (1 + np.exp(-mean - effects))).mean() for mean in means])
    covered = 0
    for _ in range(repeats):
        logits = means[labels] + rng.normal(0, 2, len(labels)) + rng.normal(0, 0.1, (m, 1))
        low, high = class_balanced_accuracy(
            rng.random(logits.shape) < 1 / (1 + np.exp(-logits)), labels
        )[1]
        covered += low <= truth <= high
    return covered / repeats


def test_balanced_accuracy_of_small_classes_covers_the_truth(rng):
    """Without the correction for small classes, .86 to .88 of the intervals cover it."""
    assert balanced_coverage(rng, 300, 16, [2] * 30) == pytest.approx(0.96, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("m", "counts", "expected"),
    [
        (16, [30] * 10, 0.96),
        (16, [5] * 20, 0.96),
        (16, [2] * 30, 0.96),
        (16, [150, 20], 0.95),
        (16, [200, 10], 0.90),
        (16, [200, 5], 0.83),
    ],
)
def test_coverage_of_balanced_accuracy(rng, m, counts, expected):
    """The interval is too narrow where a class that weighs much has a few records."""
    assert balanced_coverage(rng, 2000, m, counts) == pytest.approx(expected, abs=0.03)
