"""The coins in membership: fair and independent given all else, and guessed about by rank."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from privbench.membership import draw_membership
from privbench.metrics.coins import Share, choose_share, guess, of_pairs, of_records
from privbench.metrics.one_run import GUESSED_FRACTION, epsilon_bound, gaussian_bound


def population(n_models, n_records, seed=0):
    """Draw membership of ordinary records: half of them, for each model."""
    return draw_membership(n_models, np.zeros(n_records, dtype=bool), ["coins", seed])


def test_pairs_are_disjoint_and_their_coins_show_which_of_two_is_a_member():
    member = population(6, 21)
    flips = of_pairs(member, np.random.default_rng(0))
    records = np.concatenate([flips.first, flips.second])
    assert len(set(records)) == len(records) == 20
    for model, coin in product(range(6), range(10)):
        inside = member[model, [flips.first[coin], flips.second[coin]]]
        assert flips.tossed[model, coin] == (inside.sum() == 1)
        if flips.tossed[model, coin]:
            assert flips.heads[model, coin] == inside[0]


def test_pairs_stay_within_their_group():
    groups = np.random.default_rng(1).integers(0, 4, 41)
    flips = of_pairs(population(3, 41), np.random.default_rng(0), groups)
    assert (groups[flips.first] == groups[flips.second]).all()
    assert len(flips.first) == sum(n // 2 for n in Counter(groups.tolist()).values())
    alone = of_pairs(population(3, 4), np.random.default_rng(0), np.arange(4))
    assert alone.tossed.shape == (3, 0)


def test_given_the_pairs_that_are_tossed_all_outcomes_are_equally_likely():
    """Of six records, three are drawn. One or three of three fixed pairs have a single member."""
    flips = of_pairs(population(4_000, 6), np.random.default_rng(0))
    outcomes = {}
    for tossed, heads in zip(flips.tossed, flips.heads, strict=True):
        falls = Counter({tuple(heads[tossed].tolist()): 1})
        outcomes.setdefault(tuple(tossed.tolist()), Counter()).update(falls)
    assert sorted(sum(tossed) for tossed in outcomes) == [1, 1, 1, 3]
    for tossed, counts in outcomes.items():
        expected = counts.total() / 2 ** sum(tossed)
        assert len(counts) == 2 ** sum(tossed)
        assert sum((n - expected) ** 2 / expected for n in counts.values()) < 25  # chi-squared


def test_a_coin_of_records_is_compared_by_one_score_and_of_pairs_by_a_difference():
    member, scores = population(2, 8), np.random.default_rng(0).normal(size=(2, 8))
    np.testing.assert_array_equal(of_records(member).compare(scores), scores)
    flips = of_pairs(member, np.random.default_rng(0))
    first, second = scores[:, flips.first], scores[:, flips.second]
    np.testing.assert_array_equal(flips.compare(scores), first - second)
    np.testing.assert_array_equal(flips.by_first().compare(scores), first)


def test_records_of_tossed_coins_are_in_and_out_equally_often():
    member = population(5, 40)
    flips = of_pairs(member, np.random.default_rng(0))
    belong = flips.records_of_tossed(40)
    np.testing.assert_array_equal((belong & member).sum(1), flips.tossed.sum(1))
    np.testing.assert_array_equal((belong & ~member).sum(1), flips.tossed.sum(1))


@pytest.mark.parametrize("make", [of_records, lambda m: of_pairs(m, np.random.default_rng(3))])
def test_scores_that_show_membership_are_guessed_without_error(make):
    member = np.random.default_rng(0).random((6, 80)) < 0.5
    chosen = np.arange(6) > 2
    flips = make(member).of(chosen)
    coins = guess(flips, member[chosen].astype(float), np.random.default_rng(0))
    assert coins.records.tolist() == [flips.tossed.sum()]
    assert coins.guesses[0] == int(GUESSED_FRACTION * flips.tossed.sum()) // 2 * 2
    assert coins.correct.tolist() == coins.guesses.tolist()
    wrong = guess(flips, -member[chosen].astype(float), np.random.default_rng(0))
    assert wrong.correct.tolist() == [0]


@pytest.mark.parametrize(("side", "correct"), [("in", 6), ("out", 1), ("both", 4)])
def test_one_side_is_guessed_alone(side, correct):
    """Of ten coins nine are heads, and the score of the only tail is the second lowest."""
    member = np.arange(10)[None] != 1
    scores = np.arange(10.0)[None]
    coins = guess(of_records(member), scores, np.random.default_rng(0), Share(0.7, side))
    assert coins.guesses.tolist() == [6]
    assert coins.correct.tolist() == [correct]


def test_the_share_is_that_of_the_records_that_show_their_coins():
    rng = np.random.default_rng(0)
    member = rng.random((8, 100)) < 0.5
    noise = rng.normal(size=member.shape)

    def chosen(scores):
        return choose_share(of_records(member), scores, 1e-5)

    assert chosen(noise) == Share()
    assert chosen(noise + 100 * member).fraction >= 0.7  # half of them are heads, but for chance
    few = np.where(np.arange(100) < 10, 100 * (2 * member - 1), noise)
    assert chosen(few).fraction in (0.05, 0.1)
    assert chosen((member | (noise > 0)).astype(float)).side == "out"
    assert chosen((member & (noise > 0)).astype(float)).side == "in"
    assert choose_share(of_records(member[:0]), noise[:0], 1e-5) == Share()
    pairs = of_pairs(member, rng)
    shown = choose_share(pairs, 100.0 * member, 1e-5)
    assert (shown.side, shown.fraction >= 0.7) == ("both", True)


def test_without_a_model_nothing_is_guessed():
    member = population(4, 30)
    flips = of_pairs(member, np.random.default_rng(0)).of(np.zeros(4, dtype=bool))
    coins = guess(flips, np.zeros((0, 30)), np.random.default_rng(0))
    assert coins.records.tolist() == [0]
    assert epsilon_bound(coins, 1e-5) == 0.0


def test_equal_scores_say_nothing_even_if_records_are_in_order():
    member = np.tile(np.arange(2000) < 1000, (1, 1))
    coins = guess(of_records(member), np.zeros((1, 2000)), np.random.default_rng(0))
    assert abs(coins.correct[0] / coins.guesses[0] - 0.5) < 0.1


@pytest.mark.parametrize("paired", [False, True])
def test_bounds_of_scores_without_signal_are_rarely_positive(paired):
    """At most 5% may be; scores follow a record's number of members in other models."""
    positive = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        member = population(4, 60, seed) if paired else rng.random((4, 60)) < 0.5
        scores = rng.normal(size=member.shape) + member.sum(0) - member
        flips = of_pairs(member, rng) if paired else of_records(member)
        last = (
            np.arange(4) == 3
        )  # its scores use coins of the others, but the others' use its coins
        coins = guess(flips.of(last), scores[last], rng)
        positive += epsilon_bound(coins) > 0
    assert positive <= 18  # 5% of 200, and 2.6 standard deviations


def test_the_single_coin_of_each_model_is_guessed_at_the_median_of_models_before():
    values = np.array([[0.0], [1.0], [0.2], [-1.0], [0.5]])
    heads = np.array([[True], [True], [True], [False], [False]])
    coins = guess(of_records(heads), values, np.random.default_rng(0))
    # Medians of those before: 0, 0.5, 0.2, 0.1; guesses: heads, tails, tails, heads.
    assert coins.correct.tolist() == [1, 0, 1, 0]
    assert coins.records.tolist() == coins.guesses.tolist() == [1, 1, 1, 1]


def test_single_coins_prove_most_of_the_epsilon_of_a_gaussian_and_nothing_without_signal():
    rng = np.random.default_rng(0)
    positive = 0
    for _ in range(100):
        heads = rng.random((100, 1)) < 0.5
        coins = guess(of_records(heads), rng.normal(size=(100, 1)), rng)
        positive += gaussian_bound(coins, 1e-5, 0.95) > 0
    assert positive <= 11  # of 5 that are expected
    heads = rng.random((2000, 1)) < 0.5
    coins = guess(of_records(heads), rng.normal(size=(2000, 1)) + heads, rng)
    assert 3.2 < gaussian_bound(coins, 1e-5, 0.95) < 4.38  # the truth, at a shift of 1
