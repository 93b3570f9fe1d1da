"""The numbers of a judgement."""

import numpy as np
import pytest

from privbench.errors import BadInput
from privbench.leaderboard.frozen.attack import attack_outputs, build_attack
from privbench.leaderboard.frozen.judge import Measured, judge
from privbench.leaderboard.frozen.secret import JUDGED, count_judgement, read_membership
from privbench.metrics import auc, tpr_at_fpr


def test_a_row_for_records_and_each_kind_of_canaries(frozen):
    scores = {name: member.astype(float) for name, member in frozen.membership.items()}
    rows = judge(frozen.outputs, frozen.membership, scores)
    named = [(row["defense"], row["subset"], row["canary_kind"]) for row in rows]
    assert named == [
        (defense, *of)
        for defense in ("none", "soft")
        for of in [("records", None), ("canaries", "mislabel")]
    ]
    assert [row["auc"] for row in rows] == [1.0] * 4
    assert rows[0]["tpr_at_fpr"]["0.01"]["value"] == 1.0
    inverted = judge(frozen.outputs, frozen.membership, {n: -s for n, s in scores.items()})
    assert [row["auc"] for row in inverted] == [0.0] * 4


def test_only_the_canaries_of_the_row_count(frozen):
    scores = {name: member.astype(float) for name, member in frozen.membership.items()}
    name = "npz-none-mlp-canaries"
    canary = frozen.outputs.arrays(f"{name}/pool.npz")["canary_kind"] == "mislabel"
    scores[name][:, ~canary] *= -1
    rows = judge(frozen.outputs, frozen.membership, scores)
    assert [row["auc"] for row in rows if row["population"] == name] == [1.0]


def test_a_built_in_attack_gives_what_its_formula_gives(frozen, host):
    """The attack "loss", written out, from the file of outputs to the row."""
    outputs = frozen.outputs
    rows = judge(outputs, frozen.membership, attack_outputs(outputs, build_attack("loss", host)))
    for row in rows:
        name = row["population"]
        targets, pool = (outputs.arrays(f"{name}/{file}.npz") for file in ("targets", "pool"))
        log_probs = targets["logits"][:, np.arange(96), targets["labels"]]
        kind = row["canary_kind"] or ""
        counts = pool["canary_kind"] == kind
        by_hand = auc(log_probs[:, counts].astype(float), frozen.membership[name][:, counts])
        assert row["auc"] == pytest.approx(by_hand, abs=0.0011)
        assert row["auc"] > 0.5


def test_differences_to_the_baselines_are_paired(frozen, host):
    outputs = frozen.outputs
    rows = judge(outputs, frozen.membership, outputs.baseline("lira"))
    for row in rows:
        assert list(row["differences"]) == ["lira", "loss"]
        assert row["differences"]["lira"]["auc"] == {"value": 0.0, "ci": [0.0, 0.0]}
        low, high = row["differences"]["loss"]["auc"]["ci"]
        assert low < row["differences"]["loss"]["auc"]["value"] < high
    loss = judge(outputs, frozen.membership, outputs.baseline("loss"))
    gain = rows[0]["auc"] - loss[0]["auc"]
    assert rows[0]["differences"]["loss"]["auc"]["value"] == pytest.approx(gain, abs=0.0011)


def test_null_scores_are_at_chance():
    rng = np.random.default_rng(0)
    member = rng.random((32, 400)) < 0.5
    covered = 0
    for _ in range(60):
        measured = Measured.of(rng.normal(size=member.shape), member)
        low, high = measured.summary.auc_ci
        covered += low <= 0.5 <= high
    assert covered >= 52  # 57 of 60 are expected
    scores = rng.normal(size=member.shape) + member
    measured = Measured.of(scores, member)
    assert measured.summary.auc == auc(scores, member)
    assert measured.summary.tpr_at_fpr["0.01"]["value"] == tpr_at_fpr(scores, member, 0.01)


def test_no_number_has_more_than_three_decimals(frozen):
    """One with all digits would tell whoever chose the scores the membership of many pairs."""

    def numbers(value):
        if isinstance(value, dict):
            return [n for item in value.values() for n in numbers(item)]
        if isinstance(value, list):
            return [n for item in value for n in numbers(item)]
        return [value] if isinstance(value, float) else []

    found = numbers(judge(frozen.outputs, frozen.membership, frozen.outputs.baseline("loss")))
    assert len(found) > 50
    assert all(number == round(number, 3) for number in found)


def test_another_membership_than_the_manifest_is_committed_to_is_refused(frozen, tmp_path):
    content = (frozen.secret / "membership.json").read_text()
    (tmp_path / "membership.json").write_text(content.replace('bits": "', 'bits": "A', 1))
    with pytest.raises(BadInput, match=r"is committed to .*was changed"):
        read_membership(tmp_path, frozen.outputs.commitment)
    with pytest.raises(BadInput, match="No such file"):
        read_membership(tmp_path / "nowhere", frozen.outputs.commitment)


def test_judgements_are_counted(tmp_path):
    assert [count_judgement(tmp_path, {"attack": "a\nb"}) for _ in range(3)] == [1, 2, 3]
    with open(tmp_path / JUDGED, "ab") as log:
        log.write(b"\xff no UTF-8\n")
    assert count_judgement(tmp_path, {}) == 5
    with pytest.raises(BadInput, match="each judgement is counted"):
        count_judgement(tmp_path / "nowhere", {})
