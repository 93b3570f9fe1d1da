"""P(x): the average of the IN mean and the OUT mean, and what a record without one of them gets."""

import numpy as np
import pytest

from privbench.attacks import moments
from privbench.attacks.marginals import balanced_means, out_means

P = np.array([[0.9, 0.8, 0.7, 0.2], [0.1, 0.6, 0.5, 0.4], [0.3, 0.2, 0.9, 0.6]])
MEMBER = np.array([[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]], dtype=bool)


def test_a_missing_mean_is_the_other_one_and_the_gap():
    # IN .9, .7, .7, none; OUT .2, .2, none, .4; the gap is the mean of .7 and .5
    expected = [(0.9 + 0.2) / 2, (0.7 + 0.2) / 2, (0.7 + 0.1) / 2, (1.0 + 0.4) / 2]
    np.testing.assert_allclose(balanced_means(np.log(P), MEMBER, False), [expected], atol=1e-12)


def test_no_probability_leaves_its_range():
    p, member = np.array([[0.99, 0.95, 0.01]]), np.array([[True, True, False]])
    p = np.concatenate([p, [[0.02, 0.9, 0.02]]])
    member = np.concatenate([member, [[False, True, False]]])
    # the gap is .97: the second record lacks OUT, the third IN
    expected = [(0.99 + 0.02) / 2, (0.925 + 0) / 2, (0.985 + 0.015) / 2]
    np.testing.assert_allclose(balanced_means(np.log(p), member, False), [expected], atol=1e-12)


@pytest.mark.parametrize("inside", [True, False])
def test_with_one_side_only_it_is_that_sides_mean(inside):
    member = np.full_like(MEMBER, inside)
    np.testing.assert_allclose(balanced_means(np.log(P), member, False)[0], P.mean(axis=0))


def test_without_a_record_that_has_both_sides_the_gap_is_that_of_the_means():
    p, member = np.array([[0.8, 0.2]]), np.array([[True, False]])
    np.testing.assert_allclose(balanced_means(np.log(p), member, False), [[0.5, 0.5]], atol=1e-12)


@pytest.mark.parametrize("chunk", [2**18, 7])
@pytest.mark.parametrize("means", [balanced_means, out_means])
def test_leaving_a_target_out_is_not_having_it(means, chunk, monkeypatch):
    monkeypatch.setattr(moments, "CHUNK", chunk)
    rng = np.random.default_rng(0)
    log_probs, member = np.log(rng.random((5, 40))), rng.random((5, 40)) < 0.5
    together = means(log_probs, member, True)
    for target in range(5):
        others = np.arange(5) != target
        alone = means(log_probs[others], member[others], False)[0]
        np.testing.assert_allclose(together[target], alone, rtol=1e-12)


def test_out_means_of_a_record_without_one_is_the_average_of_the_others():
    expected = [0.2, 0.2, (0.2 + 0.2 + 0.4) / 3, 0.4]
    np.testing.assert_allclose(out_means(np.log(P), MEMBER, False), [expected], atol=1e-12)
