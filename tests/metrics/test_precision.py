"""Precision at a prior of 1%: against a loop, without signal, and where thresholds are wrong."""

import numpy as np
import pytest

from privbench.metrics import precision_at_fpr


def slow_precision(scores, member, shadow_scores, shadow_member, fpr, prior):
    true = false = 0
    for target in range(len(scores)):
        others = [k for k in range(len(scores)) if k != target]
        nonmembers = np.concatenate([shadow_scores[k][~shadow_member[k]] for k in others])
        candidates = np.append(np.unique(shadow_scores[others]), np.inf)
        threshold = min(c for c in candidates if np.mean(nonmembers >= c) <= fpr)
        # any score above the largest shadow score that is called no member passes as well
        below = [c for c in candidates if c < threshold]
        called = scores[target] > below[-1] if below else np.ones_like(member[target])
        true += (called & member[target]).sum()
        false += (called & ~member[target]).sum()
    tpr, rate = true / member.sum(), false / (~member).sum()
    return tpr, rate, prior * tpr / (prior * tpr + (1 - prior) * rate)


@pytest.mark.parametrize("decimals", [1, 6])
def test_it_is_that_of_thresholds_chosen_on_the_others(rng, decimals):
    member = rng.random((5, 60)) < 0.5
    scores = (rng.normal(size=member.shape) + member).round(decimals)
    shadows = (rng.normal(size=member.shape) + 2 * member).round(decimals)
    found = precision_at_fpr(scores, member, shadows, member, 0.1, prior=0.2)
    tpr, fpr, precision = slow_precision(scores, member, shadows, member, 0.1, 0.2)
    assert found == pytest.approx({"value": precision, "tpr": tpr, "fpr": fpr})


def test_without_signal_it_is_the_prior(gaussians, rng):
    scores, member = gaussians(16, 2000, 0.0, rng)
    found = precision_at_fpr(scores, member, scores, member, 0.01)
    assert found["fpr"] == pytest.approx(0.01, abs=0.002)
    assert found["value"] == pytest.approx(0.01, abs=0.002)


def test_with_every_member_called_it_is_limited_by_the_fpr(gaussians, rng):
    scores, member = gaussians(8, 1000, 20.0, rng)
    found = precision_at_fpr(scores, member, scores, member, 0.01)
    assert found["tpr"] == 1
    assert found["value"] == pytest.approx(0.01 / (0.01 + 0.99 * found["fpr"]))
    assert found["value"] == pytest.approx(0.5, abs=0.05)


def test_a_defense_that_shifts_scores_spoils_a_naive_threshold(gaussians, rng):
    shadows, member = gaussians(8, 1000, 2.0, rng)
    found = precision_at_fpr(shadows + 3, member, shadows, member, 0.01)
    assert found["fpr"] > 0.5
    assert found["value"] < 0.03


def test_nobody_called_and_unresolved_are_told_apart(gaussians, rng):
    scores, member = gaussians(4, 100, 0.0, rng)
    nobody = precision_at_fpr(scores - 100, member, scores, member, 0.01)
    assert nobody == {"value": None, "tpr": 0.0, "fpr": 0.0}
    unresolved = precision_at_fpr(scores, member, scores, member, 0.001)
    assert unresolved == {"value": None, "tpr": None, "fpr": None}
    single = precision_at_fpr(scores[:1], member[:1], scores[:1], member[:1], 0.1)
    assert single["tpr"] is None


def test_shapes_are_checked(gaussians, rng):
    scores, member = gaussians(4, 100, 0.0, rng)
    with pytest.raises(ValueError, match="shadow_scores"):
        precision_at_fpr(scores, member, scores[0], member, 0.01)
