"""Limits of an audit: what is judged, and by which end of an interval."""

import numpy as np
import pytest

import privbench
from privbench.errors import BadInput
from privbench.report.limits import parse_limits

METRICS = ["auc", "advantage", "balanced_accuracy", "audited_epsilon", "tpr@0.01", "precision@0.01"]


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(0)
    member = rng.random((8, 400)) < 0.5
    labels = rng.integers(0, 3, 400)
    logits = rng.normal(size=(8, 400, 3))
    logits[:, np.arange(400), labels] += 1 + 1.5 * member
    arrays = {"logits": logits, "labels": labels, "member": member}
    return privbench.audit(arrays, attacks=["loss", "gap"])


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_judged(report, metric):
    lowest = report.exceeded({metric: -0.5})
    assert {one.attack for one in lowest} == {"loss", "gap"}
    for one in lowest:
        assert one.interval[0] <= one.value <= one.interval[1]
        text = str(one)
        assert text.startswith(f"{metric} of {one.attack} is")
        assert "limit -0.5" in text
        assert f"{one.value:.4g}" in text
    assert report.exceeded({metric: 1.0 if metric != "audited_epsilon" else 100.0}) == []


def test_the_upper_end_is_judged_and_the_largest_comes_first(report):
    summary = report.attacks["loss"].summary
    value, (_, high) = summary.auc, summary.auc_ci
    assert [one.attack for one in report.exceeded({"auc": (value + high) / 2})] == ["loss"]
    assert report.exceeded({"auc": high}) == []
    ends = [one.interval[1] for one in report.exceeded({"auc": 0.1})]
    assert ends == sorted(ends, reverse=True)


def test_values_are_those_of_the_report(report):
    summary, attack = report.attacks["loss"].summary, report.attacks["loss"]
    found = {
        one.metric: one
        for one in report.exceeded(dict.fromkeys(METRICS, -1))
        if one.attack == "loss"
    }
    assert found["advantage"].value == pytest.approx(summary.advantage)
    assert found["balanced_accuracy"].value == pytest.approx(summary.balanced_accuracy)
    assert found["tpr@0.01"].interval == summary.tpr_at_fpr["0.01"]["ci"]
    assert found["audited_epsilon"].value == attack.epsilon_lower_bound
    tpr = summary.tpr_at_fpr["0.01"]["value"]
    assert found["precision@0.01"].value == pytest.approx(0.01 * tpr / (0.01 * tpr + 0.99 * 0.01))


def test_a_rate_that_no_table_shows(report):
    (one,) = [one for one in report.exceeded({"tpr@0.1": 0}) if one.attack == "loss"]
    assert one.value > report.attacks["loss"].summary.tpr_at_fpr["0.01"]["value"]
    assert one.interval[0] < one.value < one.interval[1]


def test_a_lower_bound_is_judged_by_itself(report):
    bound = report.attacks["loss"].epsilon_lower_bound
    assert bound > 0
    assert "loss" not in {one.attack for one in report.exceeded({"audited_epsilon": bound})}
    (one,) = [e for e in report.exceeded({"audited_epsilon": bound / 2}) if e.attack == "loss"]
    assert f"at least {bound:.4g}" in str(one)


def test_an_unresolved_rate_exceeds_any_limit_below_one(report):
    found = report.exceeded({"tpr@0.0001": 0.9})
    assert {one.attack for one in found} == {"loss", "gap"}
    assert "unresolved [0, 1]" in str(found[0])


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"acu": 0.5}, ["unknown metric 'acu'", "did you mean 'auc'", "tpr@FPR"]),
        ({"tpr": 0.5}, ["unknown metric 'tpr'"]),
        ({"auc@0.1": 0.5}, ["unknown metric 'auc@0.1'"]),
        ({"tpr@2": 0.5}, ["between 0 and 1"]),
        ({"tpr@x": 0.5}, ["between 0 and 1"]),
        ({"auc": float("nan")}, ["must be a number"]),
        ({"auc": "low"}, ["must be a number"]),
    ],
)
def test_wrong_limits_are_bad_input(report, limits, words):
    with pytest.raises(privbench.BadInput) as caught:
        report.exceeded(limits)
    for word in words:
        assert word in str(caught.value)


def test_what_cannot_be_judged_does_not_pass(arrays):
    alone = privbench.audit(arrays(n_models=1), attacks=["loss"])
    with pytest.raises(privbench.BadInput, match="balanced_accuracy needs predictions of shadow"):
        alone.exceeded({"balanced_accuracy": 0.6})
    nothing = privbench.audit(arrays(n_models=1), attacks=["quantile"])
    with pytest.raises(privbench.BadInput, match="no attack returned scores"):
        nothing.exceeded({"auc": 0.6})
    assert nothing.exceeded({}) == []


def test_limits_as_text():
    assert parse_limits(("auc=0.6", "tpr@0.01=5e-2")) == {"auc": 0.6, "tpr@0.01": 0.05}
    for text in ("auc", "auc=", "auc=low", "=0.5"):
        with pytest.raises(privbench.BadInput, match="--fail-above"):
            parse_limits((text,))


@pytest.mark.parametrize("text", ["auc=60", "tpr@0.01=5", "auc=-1", "audited_epsilon=-0.1"])
def test_limits_that_no_value_can_exceed_or_keep_are_refused(text):
    with pytest.raises(BadInput, match=r"allowed"):
        parse_limits((text,))
