"""Summaries: the same values as the metrics, as plain JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from privbench.metrics import (
    Influences,
    Pairs,
    advantage,
    auc,
    balanced_accuracy,
    summarise,
    summarise_pairs,
    tpr_at_fpr,
)
from privbench.metrics.clustered import proportion_interval, rate_interval


@pytest.fixture
def population(gaussians, rng):
    return gaussians(8, 600, 1.0, rng)


def test_the_values_are_those_of_the_metrics(population, rng):
    scores, member = population
    groups = np.arange(600) % 3
    summary = summarise(scores, member, scores + 1, member, groups, rng)
    assert summary.auc == auc(scores, member)
    assert summary.advantage == advantage(scores, member)
    assert summary.balanced_accuracy == balanced_accuracy(
        scores, member, scores + 1, member, groups
    )
    assert summary.auc_ci[0] < summary.auc < summary.auc_ci[1]
    assert (summary.n_members, summary.n_nonmembers, summary.n_models) == (2400, 2400, 8)
    assert set(summary.tpr_at_fpr) == {"0.001", "0.01"}
    for fpr, rate in summary.tpr_at_fpr.items():
        assert rate["resolved"]
        assert rate["value"] == tpr_at_fpr(scores, member, float(fpr))
        assert rate["ci"][0] <= rate["value"] <= rate["ci"][1]


def test_intervals_are_over_what_the_summary_says(population, rng):
    scores, member = population
    given = (scores, member, scores, member, None, rng)
    assert summarise(*given).interval_over == "models"
    influences = Influences.of(scores, member)
    summary = summarise(*given, influences=influences)
    assert summary.interval_over == summary.to_json()["interval_over"] == "models and records"
    assert summary.auc_ci == proportion_interval(summary.auc, influences.auc)
    for fpr, rate in summary.tpr_at_fpr.items():
        psi = influences.tpr_at_fpr[float(fpr)]
        assert rate["ci"] == rate_interval(rate["value"], psi, 2400)
        assert rate["ci"][0] < rate["value"] < rate["ci"][1]


def test_an_unresolved_rate_is_not_zero(population, rng):
    scores, member = population[0][:, :50], population[1][:, :50]
    summary = summarise(scores, member, scores, member, None, rng)
    assert summary.tpr_at_fpr["0.001"] == {"value": None, "ci": None, "resolved": False}
    assert summary.tpr_at_fpr["0.01"]["resolved"]


def test_a_slice_may_leave_models_without_members(population, rng):
    scores, member = population[0][:, :30], population[1][:, :30].copy()
    member[2] = False
    member[3] = True
    summary = summarise(scores, member, scores, member, np.arange(30) % 4, rng)
    assert 0 < summary.auc_ci[0] < summary.auc < summary.auc_ci[1] < 1
    assert summary.n_members == member.sum()


def test_json_is_plain_and_comes_back(population, rng):
    scores, member = population
    summary = summarise(scores, member, scores, member, None, rng, fprs=(1e-4, 0.05))
    plain = summary.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert type(plain["auc"]) is float
    assert plain["auc_ci"] == list(summary.auc_ci)
    assert plain["tpr_at_fpr"]["0.0001"] == {"value": None, "ci": None, "resolved": False}
    assert type(plain["tpr_at_fpr"]["0.05"]["ci"]) is list


def test_the_seed_decides_the_interval(population):
    scores, member = population

    def run(seed):
        return summarise(scores, member, scores, member, None, np.random.default_rng(seed))

    assert run(1) == run(1)
    assert run(1).auc_ci != run(2).auc_ci
    assert run(1).auc == run(2).auc


def test_groups_of_records_are_not_counted_as_models(population, rng):
    scores, member = population[0][0], population[1][0]
    pairs = Pairs.grouped(scores, member, np.arange(600) % 50)
    summary = summarise_pairs(pairs, None, rng, n_models=1)
    assert summary.n_models == 1
    assert summary.interval_over == "records"
    assert summary.auc_ci[0] < auc(scores[None], member[None]) < summary.auc_ci[1]
