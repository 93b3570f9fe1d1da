"""Slices of an audit: how values are grouped, and what is known of groups whose truth is known."""

import numpy as np
import pytest

import privbench
from privbench.auditing.predictions import Predictions
from privbench.auditing.slices import MISSING, OTHER, grouped, slices


def target(member, labels=None, **columns):
    """Predictions of which only membership, labels and columns matter."""
    n_models, n = member.shape
    labels = np.arange(n) % 2 if labels is None else labels
    logits = np.zeros((n_models, n, 2))
    arrays = {"logits": logits, "labels": labels, "member": member} | columns
    return Predictions.of(arrays, columns=list(columns))


def by_value(found, column):
    return {one.value: one for one in found if one.column == column}


def test_numbers_are_cut_at_their_quartiles():
    names, codes = grouped(np.arange(100.0))
    assert names == ["0 to 24.75", "24.75 to 49.5", "49.5 to 74.25", "74.25 to 99"]
    assert np.bincount(codes).tolist() == [25, 25, 25, 25]


def test_few_numbers_and_truth_values_are_groups_of_their_own():
    assert grouped(np.array([3, 1, 3]))[0] == ["1", "3"]
    names, codes = grouped(np.array([True, False]))
    assert (names, codes.tolist()) == (["False", "True"], [1, 0])


def test_missing_numbers_are_a_group():
    names, codes = grouped(np.array([1.0, np.nan, 2.0]))
    assert (names, codes.tolist()) == (["1.0", "2.0", MISSING], [0, 2, 1])
    names, codes = grouped(np.array([np.nan, np.nan]))
    assert (names, codes.tolist()) == ([MISSING], [0, 0])


def test_rare_texts_are_one_group():
    values = np.array(["common"] * 5 + [f"rare {i:02}" for i in range(30)])
    names, codes = grouped(values)
    assert len(names) == 20
    assert names[-1] == OTHER
    assert (codes == len(names) - 1).sum() == 30 - 18
    assert names[codes[0]] == "common"


def test_an_equal_column_is_one_group_that_is_compared_with_nothing():
    rng = np.random.default_rng(0)
    member = rng.random((8, 100)) < 0.5
    found = slices(rng.normal(size=member.shape), target(member, same=np.ones(100)), "models")
    (one,) = by_value(found, "same").values()
    assert (one.value, one.p_value, one.differs) == ("1.0", None, None)


def test_the_exposed_group_is_found_and_others_are_at_chance():
    rng = np.random.default_rng(0)
    member = rng.random((16, 400)) < 0.5
    region = np.array(["north", "south"])[np.arange(400) % 4 // 2]
    exposed = member & (region == "north")
    scores = rng.normal(size=member.shape) + 2 * exposed
    found = slices(scores, target(member, region=region), "models")
    north, south = by_value(found, "region").values()
    assert north.auc == pytest.approx(0.921, abs=0.02)  # that of two Gaussians 2 apart
    assert south.auc_ci[0] < 0.5 < south.auc_ci[1]
    assert north.differs
    assert north.tpr > 5 * south.tpr
    assert north.tpr_ci[0] < north.tpr < north.tpr_ci[1]
    assert not any(one.differs for one in by_value(found, "class").values())
    n = north.n_nonmembers + south.n_nonmembers
    wrongly = north.fpr * north.n_nonmembers + south.fpr * south.n_nonmembers
    assert wrongly == pytest.approx(int(0.01 * n))  # the threshold is that of all records


def test_without_a_signal_hardly_any_of_many_slices_differs():
    rng = np.random.default_rng(1)
    differs = 0
    for _ in range(10):
        member = rng.random((16, 200)) < 0.5
        columns = {f"c{i}": rng.normal(size=200) for i in range(5)}
        found = slices(rng.normal(size=member.shape), target(member, **columns), "models")
        differs += any(one.differs for one in found)
    assert differs <= 3


def test_pairs_answered_right_and_wrong_are_told_by_the_model(arrays):
    report = privbench.audit(arrays(n_models=8), attacks=["loss"])
    right, wrong = (by_value(report.slices, "answer of the model")[k] for k in ("right", "wrong"))
    n_members = report.member.sum()
    assert right.n_members == pytest.approx(report.train_accuracy * n_members)
    assert right.n_members + wrong.n_members == n_members


def test_a_small_slice_has_counts_and_no_numbers():
    member = np.random.default_rng(0).random((4, 60)) < 0.5
    labels = np.where(np.arange(60) < 2, 1, 0)
    found = slices(
        np.random.default_rng(1).normal(size=member.shape), target(member, labels), "models"
    )
    small = by_value(found, "class")["1"]
    assert small.n_members + small.n_nonmembers == 8
    assert small.auc is None
    assert small.differs is None


def test_a_single_model_has_intervals_over_records():
    rng = np.random.default_rng(0)
    member = rng.random((1, 2000)) < 0.5
    scores = rng.normal(size=member.shape) + member
    one = by_value(slices(scores, target(member), "records"), "class")["0"]
    assert one.auc == pytest.approx(0.76, abs=0.03)
    assert 0.02 < one.auc_ci[1] - one.auc_ci[0] < 0.08
    assert one.auc_ci[0] < one.auc < one.auc_ci[1]


def test_columns_are_named_by_the_caller(arrays, tmp_path):
    made = arrays(n_models=1) | {"age": np.arange(200.0)}
    np.savez(tmp_path / "target.npz", **made)
    for source in (made, tmp_path / "target.npz"):
        report = privbench.audit(source, attacks=["loss"], slices=["age"])
        assert len(by_value(report.slices, "age")) == 4
        assert [one["column"] for one in report.to_json()["slices"]].count("age") == 4


def test_columns_that_are_named_are_in_the_text(arrays):
    made = arrays(n_models=1) | {"age": np.arange(200.0)}
    text = str(privbench.audit(made, attacks=["loss"], slices=["age"]))
    assert "What loss finds in parts of the records" in text
    lines = [line.split() for line in text.splitlines()]
    assert [words[1:4] for words in lines if words[:1] == ["age"]] == [
        ["0", "to", "49.75"], ["49.75", "to", "99.5"], ["99.5", "to", "149.2"], ["149.2", "to", "199"]
    ]  # fmt: skip
    assert "classes, and right and wrong answers" in text
    assert "parts of the records" not in str(privbench.audit(made, attacks=["loss"]))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, ["no array 'age'", "logits"]),
        ({"age": np.arange(3)}, ["age has shape (3,)", "(200,)"]),
        ({"age": np.full(200, 1j)}, ["age must be numbers, strings or bool"]),
    ],
)
def test_a_wrong_column_is_bad_input(arrays, columns, words):
    with pytest.raises(privbench.BadInput) as caught:
        privbench.audit(arrays(n_models=1) | columns, attacks=["loss"], slices=["age"])
    for word in words:
        assert word in str(caught.value)
    with pytest.raises(privbench.BadInput, match="no column 'age'"):
        privbench.audit(Predictions.of(arrays(n_models=1)), attacks=["loss"], slices=["age"])
