"""P-values of AUCs: closed forms and what they are under the null."""

import numpy as np
from scipy.special import comb

from privbench.auditing.synthetic.measuring import p_value_of


def test_a_perfect_attack_is_one_of_all_orders():
    member = np.arange(25) < 12
    p, estimate = p_value_of(member.astype(float), member, np.arange(25))
    assert estimate.value == 1
    np.testing.assert_allclose(p, 2 / comb(25, 12), rtol=1e-9)
    inverted, estimate = p_value_of(-member.astype(float), member, np.arange(25))
    assert (inverted, estimate.value) == (p, 0)


def test_constant_scores_are_guessing():
    member = np.arange(40) < 20
    p, estimate = p_value_of(np.zeros(40), member, np.arange(40))
    assert (p, estimate.value) == (1.0, 0.5)


def test_the_p_value_is_uniform_under_the_null():
    rng = np.random.default_rng(0)
    member = np.arange(200) < 120
    p = [p_value_of(rng.normal(size=200), member, np.arange(200))[0] for _ in range(600)]
    for level in (0.05, 0.3):
        assert abs(np.mean(np.array(p) < level) - level) < 3 * np.sqrt(level * (1 - level) / 600)


def test_repeated_rows_count_once():
    """Each of 50 records ten times over: the standard error is that of 50 records, not of 500."""
    rng = np.random.default_rng(1)
    member, scores = np.arange(50) < 25, rng.normal(size=50)
    _, once = p_value_of(scores, member, np.arange(50))
    ten = np.repeat(np.arange(50), 10)
    _, repeated = p_value_of(scores[ten], member[ten], ten)
    np.testing.assert_allclose(
        (repeated.value, repeated.error), (once.value, once.error), rtol=1e-6
    )
