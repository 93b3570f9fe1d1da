"""Audits of attacks whose epsilon is known."""

from functools import partial

import numpy as np
import pytest

from privbench.attacks.lira import log_ratios
from privbench.membership import draw_membership
from privbench.metrics.tradeoff import gaussian_epsilon_of
from privbench.privacy import Guarantee, gaussian_epsilon, gaussian_profile
from privbench.privacy.audit import AuditedScores, Claim, audit
from privbench.privacy.profile import COMMON_DELTA


def game(n_models=32, seed=0):
    """Membership (models, 400) and the records' labels, four rare and four frequent ones."""
    labels = np.repeat(np.arange(8), [10] * 4 + [90] * 4)
    member = draw_membership(n_models, np.zeros(400, dtype=bool), ["game", seed])
    return member, labels


def run(
    guarantee, scores, member, labels=None, *, seed=0, own_coins=False, split=None, is_target=True,
    **how,
):  # fmt: skip
    """Audit scores that use no shadows, or those of ``split`` that use some."""
    labels = np.zeros(member.shape[1], int) if labels is None else labels
    split = scores if split is None else split
    is_target = np.broadcast_to(is_target, len(member))
    audited = AuditedScores(scores, scores, split, is_target, member, labels, own_coins, **how)
    pairing, rng = (np.random.default_rng([seed, draw]) for draw in range(2))
    return audit(audited, guarantee, pairing=pairing, rng=rng)


def stated(covers="records", epsilon=0.2, kind="local-dp", **changes):
    return Guarantee(kind, epsilon, 0.0, "local", "", (), covers, **changes)


def gaussian_noise(mu):
    """The guarantee of Gaussian noise on a query of sensitivity ``mu``, for replacing a record."""
    terms = {"sigma": 1.0, "sensitivity": mu, "delta": 1e-5}
    return Guarantee(
        "dp", gaussian_epsilon(**terms), 1e-5, "replace-one", "", gaussian=True,
        profile=gaussian_profile(**terms),
    )  # fmt: skip


def test_counting_labels_refutes_what_covers_records_and_not_what_covers_features():
    """The attack reads nothing but how many members each label has."""
    member, labels = game()
    one_hot = np.eye(8)[labels]
    scores = (member @ one_hot / one_hot.sum(0)) @ one_hot.T
    whole = run(stated("records"), scores, member, labels)["audit"]
    assert whole["p_value"] < 1e-3
    assert whole["bounds"]["clopper-pearson"] > 0.2
    features = run(stated("features", 0.01), scores, member, labels)["audit"]
    assert features["p_value"] > 0.05
    assert features["bounds"]["one-run"] == features["bounds"]["clopper-pearson"] == 0.0


def test_noise_on_each_output_covers_the_score_of_one_record_and_no_difference_of_two():
    """Each score is one output of a model, with Laplace noise for an epsilon of 1."""
    member, _ = game()
    scores = member + np.random.default_rng(0).laplace(size=member.shape)
    claim = stated(epsilon=1.0)
    one, two = (run(claim, scores, member, two_per_guess=two)["audit"] for two in (False, True))
    assert one["p_value"] > 0.05
    assert two["p_value"] < 1e-6
    assert one["coins_of"] == two["coins_of"] == "pairs"
    assert one["coins"] == two["coins"]
    assert 0.5 < one["bounds"]["one-run"] < 1 < two["bounds"]["one-run"]


@pytest.mark.parametrize("covers", ["records", "features"])
@pytest.mark.parametrize("own_coins", [False, True])
def test_a_feature_that_leaks_refutes_small_epsilons_only(covers, own_coins):
    """Each record's coin is answered by randomised response with epsilon 2.

    Of two records, one answers wrongly with 1 / (1 + e^2), so that a pair gives up to 4.
    """
    member, labels = game(48)
    if own_coins:
        member = np.random.default_rng(0).random(member.shape) < 0.5
    lies = np.random.default_rng(1).random(member.shape) < 1 / (1 + np.exp(2.0))
    scores = (member ^ lies).astype(float)
    results = [run(stated(covers, e), scores, member, labels, own_coins=own_coins) for e in (1, 4)]
    p_values = [result["audit"]["p_value"] for result in results]
    assert p_values[0] < 0.01
    assert p_values[1] > 0.05
    single = own_coins and covers == "records"
    assert results[0]["audit"]["coins_of"] == ("records" if single else "pairs")
    largest = 2.0 if single else 4.0
    assert largest - 0.9 < results[1]["audited_epsilon"] < largest


@pytest.mark.parametrize(
    "guarantee",
    [
        None,
        stated("labels"),
        stated("features", kind="metric-dp"),
        Guarantee("dp", 32.0, 1e-5, "add-remove", ""),  # group privacy makes delta 1
    ],
)
def test_what_says_nothing_of_replacing_a_record_has_no_p_value(guarantee):
    member, labels = game(8)
    result = run(guarantee, member * 1.0, member, labels)
    assert result["audit"]["claim"] is None
    assert result["audit"]["p_value"] is None
    assert result["audited_epsilon"] == result["audit"]["ceiling"] > 3


def test_a_claim_is_at_the_common_delta_or_at_its_own_larger_one():
    claim = partial(Guarantee, adjacency="replace-one", kind="dp", accountant="", epsilon=1.0)
    smaller, larger = Claim.of(claim(delta=1e-7)), Claim.of(claim(delta=0.1))
    assert (smaller.epsilon, smaller.delta) == (1.0, COMMON_DELTA)
    assert (larger.epsilon, larger.delta) == (1.0, 0.1)
    assert smaller.curve.points == ((1.0, 1e-7),)  # which is what is tested
    gaussian = Claim.of(gaussian_noise(1.0))
    assert gaussian.epsilon == pytest.approx(gaussian_epsilon_of(1.0, 1e-5))
    assert gaussian.delta == COMMON_DELTA
    assert len(gaussian.curve.points) > 30


def test_a_claim_beyond_the_ceiling_is_not_tested():
    member, labels = game(4)
    tested = run(stated(epsilon=3.0), member * 1.0, member, labels)["audit"]
    assert tested["p_value"] < 0.05
    assert tested["detectable"] > 3.0
    assert 3.0 < tested["ceiling"] < 3.6
    beyond = run(stated(epsilon=3.6), member * 1.0, member, labels)["audit"]
    assert beyond["ceiling"] == tested["ceiling"]
    assert beyond["p_value"] is beyond["detectable"] is None


@pytest.mark.parametrize("mu", [1.0, 2.0])
def test_gaussian_noise_is_audited_by_its_curve(mu):
    """The optimal score of a Gaussian mechanism with 8 targets of 200 coins."""
    rng = np.random.default_rng(2)
    member = rng.random((8, 200)) < 0.5
    scores = rng.normal(size=member.shape) + mu * member
    found = run(gaussian_noise(mu), scores, member, own_coins=True)["audit"]
    bounds = found["bounds"]
    assert found["method"] == "f-dp"
    assert (
        0
        < bounds["one-run"]
        < bounds["f-dp"]
        < min(gaussian_epsilon_of(mu, 1e-5), found["ceiling"])
    )
    assert bounds["gdp"] > 0
    # Beyond the ceiling nothing is tested.
    assert (found["p_value"] == 1.0) if mu == 1.0 else (found["p_value"] is None)
    refuted = run(gaussian_noise(mu / 2), scores, member, own_coins=True)["audit"]
    assert refuted["p_value"] < 0.05
    assert found["claim"]["epsilon"] > refuted["detectable"] > refuted["claim"]["epsilon"]
    without_curve = run(None, scores, member, own_coins=True)["audit"]
    assert without_curve["bounds"]["f-dp"] is without_curve["bounds"]["gdp"] is None


@pytest.mark.slow
def test_a_true_claim_is_rarely_significant():
    """Randomised response with epsilon 1 on each of 480 coins: a p-value below .05 in at most 5%."""
    small = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        member = rng.random((8, 60)) < 0.5
        lies = rng.random(member.shape) < 1 / (1 + np.e)
        scores = (member ^ lies) + 0.0
        found = run(stated(epsilon=1.0), scores, member, seed=seed, own_coins=True)
        small += found["audit"]["p_value"] <= 0.05
    assert small / 400 < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_models_without_split_scores_are_no_targets():
    member, labels = game(8)
    split = np.where(np.arange(8)[:, None] < 4, np.nan, member)
    half = run(None, -1.0 * member, member, labels, split=split)
    assert half["audit"]["targets"] == 4
    assert half["audit"]["correct"] == half["audit"]["guesses"] > 0
    nothing = run(stated(), -1.0 * member, member, labels, split=np.full((8, 400), np.nan))
    assert nothing["audit"]["targets"] == 0
    assert nothing["audited_epsilon"] == nothing["audit"]["ceiling"] == 0.0
    assert nothing["audit"]["p_value"] is None


def lira_on_population(seed, shift, n_models=16, n_records=60, exposed=1.0, chosen=True):
    """Audit LiRA on records with a hardness of their own, split and in a leave-one-out.

    Only a fraction ``exposed`` of the records are shifted. The share of the coins that is guessed is
    chosen by the shadows, or is the usual one.
    """
    rng = np.random.default_rng(seed)
    member = rng.random((n_models, n_records)) < 0.5
    shifts = np.where(np.arange(n_records) < exposed * n_records, shift, 0.0)
    phi = rng.normal(size=member.shape) + shifts * member + 2 * rng.normal(size=n_records)
    half = n_models // 2
    split = np.full(member.shape, np.nan)
    if chosen:
        split[:half] = log_ratios(phi[:half], phi[:half], member[:half], True, "global")
    split[half:] = log_ratios(phi[half:], phi[:half], member[:half], False, "global")
    scores = log_ratios(phi, phi, member, True, "global")
    return run(
        None, scores, member,
        seed=seed, own_coins=True, split=split, is_target=np.arange(n_models) >= half,
    )["audit"]["bounds"]  # fmt: skip


@pytest.mark.slow
def test_bounds_of_lira_are_positive_by_chance_in_at_most_5_percent():
    positive = [lira_on_population(seed, 0.0)["one-run"] > 0 for seed in range(400)]
    assert np.mean(positive) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(("shift", "exposed", "gain"), [(6.0, 1.0, 1.0), (6.0, 0.05, 0.8)])
def test_a_chosen_share_proves_more_where_most_or_few_records_are_exposed(shift, exposed, gain):
    usual, chosen = (
        np.mean(
            [
                lira_on_population(seed, shift, exposed=exposed, chosen=chosen)["one-run"]
                for seed in range(8)
            ]
        )
        for chosen in (False, True)
    )
    assert chosen > usual + gain


def test_a_bound_without_independence_is_no_worse_than_one_that_assumes_it():
    bounds = [lira_on_population(seed, 2.0) for seed in range(8)]
    one_run, assumed = (
        np.mean([bound[name] for bound in bounds]) for name in ("one-run", "clopper-pearson")
    )
    assert one_run > 2.2
    assert one_run > assumed - 0.3
