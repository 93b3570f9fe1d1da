"""Thresholds: against brute force, and what they must not depend on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from privbench.metrics import balanced_accuracy, balanced_accuracy_at
from privbench.metrics.threshold import ABOVE_ALL_SCORES, best_threshold, leave_one_out_thresholds

from . import reference


def random_population(rng, decimals=None, n_models=6, n_records=30):
    member = rng.random((n_models, n_records)) < 0.5
    scores = rng.normal(size=member.shape) + member
    return (scores if decimals is None else scores.round(decimals)), member


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_thresholds_are_those_of_brute_force(rng, decimals):
    scores, member = random_population(rng, decimals)
    result = leave_one_out_thresholds(scores, member)
    for i in range(len(scores)):
        others = np.delete(scores, i, axis=0), np.delete(member, i, axis=0)
        assert result[i] == reference.threshold(*others)
        assert result[i] == best_threshold(*others)[0]


@pytest.mark.parametrize("decimals", [None, 0])
@pytest.mark.parametrize("n_groups", [1, 4, 25])
def test_agrees_with_brute_force(rng, decimals, n_groups):
    scores, member = random_population(rng, decimals, n_models=3)
    shadow_scores = scores + rng.normal(size=scores.shape)
    groups = rng.integers(n_groups, size=scores.shape[1])
    for shadow in (scores, shadow_scores):
        expected = reference.balanced_accuracy(scores, member, shadow, member, groups)
        result = balanced_accuracy(scores, member, shadow, member, groups)
        assert result == pytest.approx(expected, abs=1e-12)


def test_one_group_is_no_groups(rng):
    scores, member = random_population(rng)
    one = np.full(scores.shape[1], 7)
    assert balanced_accuracy(scores, member, scores, member, one) == balanced_accuracy(
        scores, member, scores, member
    )


def test_a_threshold_does_not_depend_on_its_target(rng):
    scores, member = random_population(rng)
    before = leave_one_out_thresholds(scores, member)
    for i in range(len(scores)):
        changed, other = scores.copy(), member.copy()
        changed[i] = 100 * rng.normal(size=scores.shape[1])
        other[i] = ~member[i]
        after = leave_one_out_thresholds(changed, other)
        assert after[i] == before[i]
    assert (after[:-1] != before[:-1]).any()


def test_two_gaussians(gaussians, rng):
    scores, member = gaussians(8, 20_000, 1.5, rng)
    result = balanced_accuracy(scores, member, scores, member)
    assert result == pytest.approx(norm.cdf(0.75), abs=0.005)


def test_no_signal_is_chance_also_with_many_groups(gaussians, rng):
    # Thresholds chosen on the target itself would give far more than a half here.
    scores, member = gaussians(4, 2000, 0.0, rng)
    groups = np.arange(2000) // 4
    assert balanced_accuracy(scores, member, scores, member, groups) == pytest.approx(0.5, abs=0.03)


def test_groups_with_levels_of_their_own_need_thresholds_of_their_own(gaussians, rng):
    scores, member = gaussians(4, 2000, 2.0, rng)
    groups = np.arange(2000) % 10
    scores += 5 * groups
    assert balanced_accuracy(scores, member, scores, member) < 0.6
    assert balanced_accuracy(scores, member, scores, member, groups) > 0.8


def test_naive_shadows_choose_worse_thresholds(gaussians, rng):
    scores, member = gaussians(4, 2000, 2.0, rng)
    naive = balanced_accuracy(scores, member, scores + 2.0, member)
    assert naive < balanced_accuracy(scores, member, scores, member) - 0.1


def test_a_group_without_members_among_the_shadows_takes_the_overall_threshold():
    shadow_member = np.array([[True, False, False, False]])
    shadow = np.array([[5.0, 1.0, 9.0, 9.0]])
    groups = np.array([0, 0, 1, 1])
    member = np.array([[True, False, True, False]])
    scores = np.array([[5.0, 1.0, 9.5, 1.0]])
    # Over all records 5 is the best threshold (9.0 twice is wrong above it): the group has none.
    assert balanced_accuracy_at(scores, member, shadow, shadow_member, groups) == 1.0


def test_without_a_better_threshold_no_record_is_called_a_member():
    member = np.array([[True, False], [False, False]])
    scores = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert np.isnan(leave_one_out_thresholds(scores, member)[0])
    assert balanced_accuracy(scores, member, scores, member) == pytest.approx(0.5 * (0 + 2 / 3))
    assert best_threshold(-scores[:1], member[:1])[0] == ABOVE_ALL_SCORES


def test_bad_input_is_named(rng):
    scores, member = random_population(rng)
    with pytest.raises(ValueError, match="at least 2 models"):
        balanced_accuracy(scores[:1], member[:1], scores[:1], member[:1])
    with pytest.raises(ValueError, match="expected the shape of scores"):
        balanced_accuracy(scores, member, scores[:, 1:], member[:, 1:])
    with pytest.raises(ValueError, match="shadow_scores and shadow_member differ"):
        balanced_accuracy(scores, member, scores, member[:, 1:])
    with pytest.raises(ValueError, match=r"groups: expected shape \(30,\)"):
        balanced_accuracy(scores, member, scores, member, np.zeros(29, dtype=int))
    classes = np.zeros(30, dtype=int)
    with pytest.raises(ValueError, match=r"groups: expected shape \(29,\)"):
        balanced_accuracy_at(scores, member, scores[:, 1:], member[:, 1:], classes)


def test_shadows_on_other_records_choose_thresholds_by_their_own_groups(rng):
    scores, member = random_population(rng)
    classes = rng.integers(0, 2, 30)
    order = rng.permutation(30)[:20]
    shadow = scores[:, order], member[:, order]
    result = balanced_accuracy_at(scores, member, *shadow, classes, classes[order])
    thresholds = [
        best_threshold(shadow[0][:, classes[order] == c], shadow[1][:, classes[order] == c])[0]
        for c in (0, 1)
    ]
    positive = scores >= np.array(thresholds)[classes]
    assert result == pytest.approx((positive[member].mean() + (~positive[~member]).mean()) / 2)


def song_mittal(logits, labels):
    """Return scores (4, models, records): correctness, confidence, entropy, modified entropy."""
    logits = logits.astype(np.float64)
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    label = np.arange(p.shape[-1]) == labels[:, None]
    cost, cost_not = -np.log(np.maximum(p, 1e-30)), -np.log(np.maximum(1 - p, 1e-30))
    modified = np.where(label, (1 - p) * cost, p * cost_not).sum(axis=-1)
    correct = (p.argmax(axis=-1) == labels).astype(np.float64)
    return np.stack([correct, (p * label).sum(-1), -(p * cost).sum(-1), -modified])


@pytest.mark.skipif("PRIVBENCH_ORACLES" not in os.environ, reason="PRIVBENCH_ORACLES is not set")
@pytest.mark.parametrize("dataset", ["location30", "mnist"])
def test_balanced_accuracies_of_the_authors_code(dataset):
    folder = Path(os.environ["PRIVBENCH_ORACLES"])
    expected = json.loads((folder / "expected.json").read_text())[dataset]
    shadow = np.load(folder / f"{dataset}_shadow.npz")
    target = np.load(folder / f"{dataset}_target.npz")
    labels = target["labels"]
    shadows = song_mittal(shadow["logits"][:1], labels)
    targets = song_mittal(target["logits"][:1], labels)
    for ours, theirs, official in zip(
        targets, shadows, expected["song-mittal, shadow 0 on target 16, official"], strict=True
    ):
        result = balanced_accuracy_at(
            ours, target["member"][:1], theirs, shadow["member"][:1], labels
        )
        assert result == pytest.approx(float(official), abs=5e-4 + 1e-9)
