"""How close do lower bounds on epsilon come to the truth?

Draws the scores of an optimal adversary on a Gaussian mechanism of a known epsilon: N(mu, 1) for records
that are IN and N(0, 1) for others, IN by independent fair coins. Every bound is computed from the same
scores, over and over, and the medians are printed. The last column is how often the bound exceeded the
truth, which a 95% bound does in at most 5% of cases.

    python bench/tightness.py
    python bench/tightness.py --runs 64 --records 60 --epsilon 1 2 4 8 --repeats 500

With --guessed, it prints what the bounds from guesses are at the expected number of correct guesses, for
rules of how many records to guess about: a fraction, or several that share the error probability and of
which the best counts.

    python bench/tightness.py --runs 12 --guessed 0.1 0.2 0.3 0.5 1 0.1,0.3,1

With --claims, it prints how many correct guesses refute a Gaussian mechanism's epsilon, and which
epsilon is detectable with a probability of 0.9: by the pair (epsilon, delta) alone, by a profile of nine
pairs, and by the whole trade-off curve.

    python bench/tightness.py --runs 60 --epsilon 1 2 4 --claims
"""

from __future__ import annotations

import argparse

import numpy as np

from privbench.metrics import Coins, TradeOff, epsilon_bound, epsilon_lower_bound, gaussian_bound
from privbench.metrics.one_run import guess_coins, guesses_about
from privbench.metrics.pairs import Bools, Floats
from privbench.metrics.power import (
    ceiling,
    ceiling_of_errors,
    critical_count,
    detectable,
    p_correct,
)
from privbench.metrics.tradeoff import gaussian_epsilon_of, gaussian_mu

DELTA = 1e-5
PROFILE = (1e-9, 1e-7, 1e-5, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.3)
"""The deltas of a profile."""
CLOPPER_PEARSON, GDP = "Clopper-Pearson", "GDP, threshold of shadows"
ONE_RUN, F_DP, F_DP_AS_ONE = "one-run", "f-DP one-run", "f-DP one-run, as one run (not proven)"


def draw(mu: float, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Return scores and coins (runs, records) of an optimal adversary on a Gaussian mechanism."""
    member = rng.random(shape) < 0.5
    return rng.normal(size=shape) + mu * member, member


def bounds_of(mu: float, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, float]:
    """Return all bounds from one draw of scores; thresholds come from other draws, the shadows."""
    (scores, member), shadows = draw(mu, shape, rng), draw(mu, shape, rng)

    def errors(*, gaussian: bool) -> float:
        return epsilon_lower_bound(
            scores, member, *shadows, leave_one_out=False, delta=DELTA, gaussian=gaussian
        )

    coins = guess_coins(scores, member, rng)
    as_one = Coins.of_one_run(
        *(int(n.sum()) for n in (coins.records, coins.guesses, coins.correct))
    )
    return {
        CLOPPER_PEARSON: errors(gaussian=False),
        ONE_RUN: epsilon_bound(coins, DELTA),
        F_DP: gaussian_bound(coins, DELTA),
        F_DP_AS_ONE: gaussian_bound(as_one, DELTA),
        GDP: errors(gaussian=True),
    }


def ceilings(shape: tuple[int, int]) -> dict[str, float]:
    """Return the largest value that each bound can have with so many trials."""
    layout = np.full(shape[0], shape[1]), np.full(shape[0], guesses_about(shape[1]))
    one = layout[0].sum(keepdims=True), layout[1].sum(keepdims=True)
    half = shape[0] * shape[1] // 2
    return {
        CLOPPER_PEARSON: ceiling_of_errors(half, half, delta=DELTA),
        ONE_RUN: ceiling(*one, delta=DELTA),
        F_DP: ceiling(*layout, delta=DELTA, gaussian=True),
        F_DP_AS_ONE: ceiling(*one, delta=DELTA, gaussian=True),
        GDP: ceiling_of_errors(half, half, delta=DELTA, gaussian=True),
    }


def table(epsilons: list[float], shape: tuple[int, int], repeats: int, seed: int) -> str:
    """Return the medians and ceilings as a Markdown table."""
    limits, rng = ceilings(shape), np.random.default_rng(seed)
    found = {
        epsilon: [bounds_of(gaussian_mu(epsilon, DELTA), shape, rng) for _ in range(repeats)]
        for epsilon in epsilons
    }

    head = f"true epsilon | {' | '.join(f'{e:g}' for e in epsilons)} | ceiling | exceeded the truth"
    lines = [f"| {head} |", "|" + "---|" * (len(epsilons) + 3)]
    for name, limit in limits.items():
        values = {epsilon: np.array([one[name] for one in found[epsilon]]) for epsilon in epsilons}
        wrong = np.mean([(values[epsilon] > epsilon).mean() for epsilon in epsilons])
        medians = " | ".join(f"{np.median(values[epsilon]):.2f}" for epsilon in epsilons)
        lines.append(f"| {name} | {medians} | {limit:.2f} | {wrong:.1%} |")
    return "\n".join(lines)


def bounds_of_rule(fractions: list[float], epsilon: float, shape: tuple[int, int]) -> str:
    """Return `epsilon_bound` / `gaussian_bound` at the expected number of correct guesses."""
    runs, records = shape
    mu, found = gaussian_mu(epsilon, DELTA), []
    for fraction in fractions:
        guesses = 2 * (int(fraction * records) // 2)
        total = round(p_correct(mu, records, guesses) * guesses * runs)
        correct = (np.arange(runs) + total) // runs  # numbers that differ by at most one
        coins = Coins(np.full(runs, records), np.full(runs, guesses), correct)
        confidence = 1 - 0.05 / len(fractions)
        found.append(
            (epsilon_bound(coins, DELTA, confidence), gaussian_bound(coins, DELTA, confidence))
        )
    return " / ".join(f"{bound:.2f}" for bound in np.max(found, axis=0))


def table_of_rules(rules: list[str], epsilons: list[float], shape: tuple[int, int]) -> str:
    """Return the bounds of each rule as a Markdown table."""
    head = " | ".join(["guessed fraction", *(f"{epsilon:g}" for epsilon in epsilons)])
    lines = [f"| {head} |", "|" + "---|" * (len(epsilons) + 1)]
    for rule in rules:
        fractions = [float(part) for part in rule.split(",")]
        cells = [bounds_of_rule(fractions, epsilon, shape) for epsilon in epsilons]
        lines.append(f"| {' | '.join([rule, *cells])} |")
    return "\n".join(lines)


def table_of_claims(epsilons: list[float], shape: tuple[int, int]) -> str:
    """Return critical counts and detectable epsilons of three ways to claim the same mechanism."""
    records, guesses = np.full(shape[0], shape[1]), np.full(shape[0], guesses_about(shape[1]))
    layout = Coins(records, guesses, np.zeros_like(guesses))
    lines = [f"| claim | {' | '.join(f'{epsilon:g}' for epsilon in epsilons)} |"]
    lines.append("|" + "---|" * (len(epsilons) + 1))
    cells: dict[str, list[str]] = {"pair": [], "profile": [], "curve": []}
    for epsilon in epsilons:
        mu = gaussian_mu(epsilon, DELTA)
        claims = {
            "pair": (epsilon, DELTA),
            "profile": TradeOff.of_profile((gaussian_epsilon_of(mu, d), d) for d in PROFILE),
            "curve": TradeOff.gaussian(mu),
        }
        for name, claim in claims.items():
            found = detectable(records, guesses, claim, delta=DELTA)
            count = critical_count(layout, claim, 0.05)
            shown = "never" if found is None else f"{count} of {guesses.sum()}, {found:.2f}"
            cells[name].append(shown)
    return "\n".join([*lines, *(f"| {name} | {' | '.join(row)} |" for name, row in cells.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--records", type=int, default=60, help="records of a run with a coin")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 2.0, 4.0, 8.0])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guessed", nargs="+", help="rules, such as 0.2, or 0.1,0.3,1")
    parser.add_argument("--claims", action="store_true", help="compare ways to claim an epsilon")
    args = parser.parse_args()
    shape = args.runs, args.records
    if args.claims:
        print(table_of_claims(args.epsilon, shape))
        return
    if args.guessed:
        print(table_of_rules(args.guessed, args.epsilon, shape))
        return
    print(table(args.epsilon, shape, args.repeats, args.seed))


if __name__ == "__main__":
    main()
