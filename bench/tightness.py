"""How close do lower bounds on epsilon come to the truth?

Draws the scores of an optimal adversary on a Gaussian mechanism of a known epsilon: N(mu, 1) for records
that are IN and N(0, 1) for others, IN by independent fair coins. Every bound is computed from the same
scores, over and over, and the medians are printed. The last column is how often the bound exceeded the
truth, which a 95% bound does in at most 5% of cases.

    python bench/tightness.py
    python bench/tightness.py --runs 64 --records 60 --epsilon 1 2 4 8 --repeats 500
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from privbench.metrics import Coins, epsilon_bound, epsilon_lower_bound, gaussian_bound
from privbench.metrics.one_run import guess_coins, guesses_about
from privbench.metrics.pairs import Bools, Floats
from privbench.metrics.power import ceiling, ceiling_of_errors
from privbench.metrics.tradeoff import gaussian_mu

DELTA = 1e-5
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

    def cells(of: Callable[[float], str]) -> str:
        return " | ".join(of(epsilon) for epsilon in epsilons)

    head = f"true epsilon | {cells(lambda e: f'{e:g}')} | ceiling | exceeded the truth"
    lines = [f"| {head} |", "|" + "---|" * (len(epsilons) + 3)]
    for name, limit in limits.items():
        values = {epsilon: np.array([one[name] for one in found[epsilon]]) for epsilon in epsilons}
        wrong = np.mean([(values[epsilon] > epsilon).mean() for epsilon in epsilons])
        medians = cells(lambda e, values=values: f"{np.median(values[e]):.2f}")  # type: ignore[misc]
        lines.append(f"| {name} | {medians} | {limit:.2f} | {wrong:.1%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--records", type=int, default=60, help="records of a run with a coin")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 2.0, 4.0, 8.0])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(table(args.epsilon, (args.runs, args.records), args.repeats, args.seed))


if __name__ == "__main__":
    main()
