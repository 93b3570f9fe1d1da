"""MIA-EPT and the stacked attack: leaks that distances miss, nulls, and what is not looked at."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.auditing.synthetic.mia_ept import MiaEpt
from privbench.auditing.synthetic.stacked import stacked
from privbench.data import Column, Data, DataSpec
from privbench.metrics import auc

SPEC = DataSpec(
    "tabular", (5,), 1, (Column("w", "categorical", (0, 3), ("a", "b", "c")),
                         Column("x", "numeric", (3, 4)), Column("y", "numeric", (4, 5))),
)  # fmt: skip


@pytest.fixture
def views():
    """Views of 6 releases that hold the members with noise on two columns."""
    from privbench.attacks.synthetic import SyntheticViews

    rng = np.random.default_rng(0)

    def records(n):
        x = np.concatenate([np.eye(3)[rng.integers(0, 3, n)], rng.normal(size=(n, 2))], axis=1)
        return Data(x.astype(np.float32), np.zeros(n, np.int64), SPEC)

    pool, member = records(60), rng.random((6, 60)) < 0.5
    sets = [pool.take(np.flatnonzero(row)) for row in member]
    return SyntheticViews(
        records=pool.x, labels=pool.y, targets=sets, shadows=sets, shadow_member=member,
        reference=records(60), rngs=[np.random.default_rng(i) for i in range(6)],
    )  # fmt: skip


def test_mia_ept_finds_copies_and_uses_no_membership_of_its_target(views):
    attack = MiaEpt(trees=3)
    scores = attack.score_all(views)
    assert auc(scores, views.shadow_member) > 0.8
    member = views.shadow_member.copy()
    member[2] = ~member[2]
    np.testing.assert_allclose(
        attack.score_all(replace(views, shadow_member=member))[2], scores[2], atol=1e-6
    )
    np.testing.assert_allclose(attack.score(views[2]), scores[2], atol=1e-5)


def test_mia_ept_of_releases_without_members_is_guessing(views):
    rng = np.random.default_rng(1)
    mixed = [views.reference.take(rng.permutation(60)[:30]) for _ in range(6)]
    scores = MiaEpt(trees=3).score_all(replace(views, targets=mixed, shadows=mixed))
    assert abs(auc(scores, views.shadow_member) - 0.5) < 0.12


def test_mia_ept_takes_constant_releases_and_words_they_lack(views):
    constant = [Data(np.repeat(views.records[:1], 20, 0), np.zeros(20, np.int64), SPEC)] * 6
    assert np.isfinite(MiaEpt(trees=2).score_all(replace(views, targets=constant))).all()


def test_the_stacked_attack_learns_which_score_to_trust_from_shadows_alone():
    rng = np.random.default_rng(0)
    member, own = rng.random((8, 400)) < 0.5, rng.random(400) < 0.5
    noise = rng.normal(size=(8, 400)), rng.normal(size=400)
    shadows = {"good": member + 0.5 * rng.normal(size=(8, 400)), "noise": noise[0]}
    target = {"good": own + 0.5 * rng.normal(size=400), "noise": noise[1]}
    found = stacked(target, shadows, member)
    best = auc(target["good"][None], own[None])
    assert abs(auc(found[None], own[None]) - best) < 0.01
    inverted = stacked(target, {"good": -shadows["good"], "noise": noise[0]}, member)
    assert auc(inverted[None], own[None]) < 0.1  # it trusts what it saw on shadows


def test_the_stacked_attack_of_constant_scores_is_guessing():
    member = np.random.default_rng(0).random((4, 50)) < 0.5
    found = stacked({"a": np.zeros(50)}, {"a": np.zeros((4, 50))}, member)
    assert len(set(found.round(9))) == 1
