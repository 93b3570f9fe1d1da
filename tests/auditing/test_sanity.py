"""What is doubtful about predictions is said, in every form of the report, and nothing else is."""

import numpy as np
import pytest

import privbench
from privbench.auditing import Predictions
from privbench.auditing.sanity import CHECKS, are_fair_coins, sanity


def names(target, shadow=None, scores=None):
    return {one["name"]: one["text"] for one in sanity(target, shadow, scores or {})}


def of(arrays, **changes):
    return Predictions.of(arrays | changes)


def test_ordinary_predictions_raise_no_warning(arrays):
    for n_models in (1, 6):
        assert names(of(arrays(n_models=n_models, n=600)), of(arrays(seed=1, n=600))) == {}


@pytest.mark.parametrize("seed", range(20))
def test_noise_raises_no_warning(arrays, seed):
    made = arrays(n_models=1, signal=0.0, seed=seed, pool=seed, n=400)
    assert names(of(made)) == {}


def test_members_who_are_answered_worse(arrays):
    made = arrays(n_models=1, n=400)
    text = names(of(made, member=~made["member"]))["members-worse"]
    assert "accuracy ." in text
    assert "(inverted, perhaps)" in text


def test_probabilities_of_zero_are_small_confidences():
    rng = np.random.default_rng(0)
    labels, member = rng.integers(0, 3, 300), rng.random(300) < 0.5
    answers = np.where(member, (labels + 1) % 3, labels)
    made = {"probs": np.eye(3)[answers], "labels": labels, "member": member}
    assert "AUC of the confidence 0.000" in names(Predictions.of(made))["members-worse"]


def test_another_order_of_the_classes_is_named(arrays):
    made = arrays(n_models=2, k=3, n=400)
    made = {name: made[name] for name in ("logits", "labels", "member")}
    right = made["logits"].argmax(-1) == made["labels"]
    names_of = np.array(["ant", "bee", "cat"])
    moved = made["logits"][:, :, [2, 0, 1]]  # the first column is about cats
    text = names(of(made, logits=moved, labels=names_of[made["labels"]]))["label-coding"]
    assert f"in the order cat, ant, bee it would be {right.mean():.3f}" in text
    mended = of(made, logits=moved, labels=names_of[made["labels"]], classes=["cat", "ant", "bee"])
    assert "label-coding" not in names(mended)


def test_another_order_is_not_taken_for_inverted_membership(arrays):
    made = arrays(n_models=1, k=3, n=400)
    assert set(names(of(made, logits=made["logits"][:, :, [2, 0, 1]]))) == {"label-coding"}


def test_one_hot_labels_with_logits_may_be_classes():
    rng = np.random.default_rng(0)
    labels, member = np.eye(3, dtype=int)[rng.integers(0, 3, 300)], rng.random(300) < 0.5
    made = {"logits": rng.normal(size=(300, 3)), "labels": labels, "member": member}
    assert "save labels.argmax(axis=1)" in names(Predictions.of(made))["label-coding"]
    labels[0] = 1
    assert "label-coding" not in names(Predictions.of(made))


def test_labels_of_other_records_are_below_the_largest_class():
    rng = np.random.default_rng(0)
    labels = (rng.random(2000) < 0.2).astype(int)
    logits = rng.normal(size=(2000, 2))
    target = Predictions.of({"logits": logits, "labels": labels, "member": rng.random(2000) < 0.5})
    assert "which a constant answer would reach" in names(target)["label-coding"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("k", "n"), [(2, 60), (10, 240), (100, 240), (100, 2000)])
def test_no_order_of_classes_is_found_in_noise(k, n, seed):
    rng = np.random.default_rng(seed)
    labels, member = rng.integers(0, k, n), rng.random(n) < 0.5
    target = Predictions.of({"logits": rng.normal(size=(n, k)), "labels": labels, "member": member})
    assert "would be" not in names(target).get("label-coding", "")


def test_rounded_outputs(arrays):
    made = arrays(n_models=1)
    logits = made.pop("logits").astype(float)
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    text = names(of(made, probs=probs.round(2)))["rounded-outputs"]
    certain = ((probs.round(2) > 0).sum(-1) == 1).mean()
    assert f"as the votes of 100 trees have; {certain:.1%} of the outputs are exactly 1" in text
    assert (
        "numbers of float16" in names(of(made, probs=probs.astype(np.float16)))["rounded-outputs"]
    )


def test_tied_scores(arrays):
    target = of(arrays(n_models=2))
    scores = {
        "a": np.zeros((2, 5)),
        "b": np.arange(10.0).reshape(2, 5),
        "c": np.eye(2).repeat(5, 1),
    }
    assert "All scores of a are equal" in names(target, scores=scores)["tied-scores"]
    same = np.full((1, 200, 4), 0.25)
    made = {n: a for n, a in arrays(n_models=1, references=0).items() if n in ("labels", "member")}
    report = privbench.audit(made | {"probs": same}, attacks=["loss"])
    assert "tied-scores" in {one["name"] for one in report.warnings}


def test_few_records(arrays):
    made = arrays(n_models=1, n=400)
    member = np.ones((1, 400), bool)
    member[0, :2] = False
    text = names(of(made, member=member))["few-records"]
    assert text.startswith(
        "Only 2 non-members among 400 records; so few say nothing: a TPR at 1% FPR"
    )
    assert "needs at least 100 non-members, and 1,000" in text
    assert "Only 2 members among" in names(of(made, member=~member))["few-records"]
    member[0, :99] = False
    assert "so few say nothing" not in names(of(made, member=member))["few-records"]
    member[0, :100] = False
    assert "few-records" not in names(of(made, member=member))


@pytest.mark.parametrize(
    ("member", "fair"),
    [
        (np.arange(1000) % 2 == 0, True),  # coins can fall so
        (np.arange(1000) < 500, False),
        (np.arange(1000) >= 500, False),
        (np.arange(1000) < 499, True),
        (np.arange(1000) % 10 < 8, False),
        (np.arange(20) < 15, True),
        (np.arange(20) < 19, False),
    ],
)
def test_fair_coins(member, fair):
    assert are_fair_coins(member[None]) == fair


def test_a_bound_that_needs_fair_coins_is_left_out(arrays):
    made = arrays(n_models=1, n=400)
    split = np.arange(400)[None] < 320
    reports = [
        privbench.audit(made | {"member": m}, attacks=["loss"]) for m in (made["member"], split)
    ]
    bounds = [report.to_json()["attacks"]["loss"] for report in reports]
    assert bounds[0]["epsilon_lower_bound_one_run"] is not None
    assert bounds[1]["epsilon_lower_bound_one_run"] is None
    assert bounds[1]["epsilon_ceiling_one_run"] is None
    assert bounds[1]["epsilon_ceiling"] > 0
    (text,) = [one["text"] for one in reports[1].warnings if one["name"] == "unfair-coins"]
    assert "80.0% are members" in text


def test_several_models_that_are_no_halves_and_that_are_all_the_same(arrays):
    made = arrays(n_models=4, n=300)
    most = np.random.default_rng(0).random((4, 300)) < 0.8
    assert "holds as stated" in names(of(made, member=most))["unfair-coins"]
    found = names(of(made, member=np.repeat(most[:1], 4, axis=0)))
    assert "All 4 target models have the same members" in found["same-members"]
    assert "unfair-coins" not in found


def test_targets_among_shadows_and_models_that_are_the_same(arrays):
    target, made = of(arrays(n_models=2)), arrays(n_models=5, seed=1)
    assert names(target, of(made)) == {}
    assert "2 of 2 targets (number 0, 1)" in names(target, target)["targets-among-shadows"]
    made["logits"][3] = arrays(n_models=2)["logits"][1]
    assert "1 of 2 targets (number 1)" in names(target, of(made))["targets-among-shadows"]
    made["logits"][4] = made["logits"][0]
    assert "The shadows 0, 4 have the same outputs" in names(target, of(made))["same-outputs"]
    made["logits"][:] = made["logits"][0]
    assert "All 5 shadows have" in names(target, of(made))["same-outputs"]
    assert "All 5 target models have" in names(of(made))["same-outputs"]
    made["logits"][0, -1] += 1  # beyond the records that are compared first
    assert "target models 1, 2, 3, 4 have" in names(of(made))["same-outputs"]


def test_warnings_are_in_every_form_of_the_report(arrays):
    made = arrays(n_models=1, n=400)
    report = privbench.audit(made | {"member": ~made["member"]}, attacks=["loss"])
    (warning,) = report.to_json()["warnings"]
    assert warning["name"] == "members-worse"
    for text in (
        str(report), report.to_markdown(), report.to_html(), report._repr_html_()
    ):  # fmt: skip
        assert "Members are answered worse than non-members" in text
    assert set(CHECKS) >= {warning["name"]}
