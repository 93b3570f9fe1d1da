"""Compare a share of guesses that is chosen by shadows with the usual one, on simulated populations.

    python bench/shares.py --repeats 100

Records have a hardness of their own, N(0, 4), and their scores have noise N(0, 1); members' are shifted.
Half of 16 models are shadows of LiRA with a global variance; without shadows, an eighth choose.
"""

from __future__ import annotations

import argparse

import numpy as np

from privbench.attacks.lira import log_ratios
from privbench.metrics import epsilon_bound
from privbench.metrics.coins import Share, choose_share, guess, of_records
from privbench.stages.split import targets_without_shadows

DELTA = 1e-5
CASES = (
    *(("LiRA", shift, 1.0) for shift in (0.0, 0.5, 1.0, 2.0, 3.0, 6.0)),
    ("LiRA", 3.0, 0.05),
    ("LiRA", 6.0, 0.05),
    *(("no shadows", shift, 1.0) for shift in (0.0, 1.0, 3.0, 10.0)),
    ("gap", 0.4, 1.0),
)


def bounds(seed: int, attack: str, shift: float, exposed: float, n_records: int) -> list[float]:
    """Return the bound with the usual share, with the chosen one, and that one's fraction.

    Without shadows, the usual share is of all models, as if nothing had to be chosen.
    """
    rng = np.random.default_rng(seed)
    member = rng.random((16, n_records)) < 0.5
    shifts = np.where(np.arange(n_records) < exposed * n_records, shift, 0.0)
    scores = rng.normal(size=member.shape) + shifts * member + 2 * rng.normal(size=n_records)
    known = ~targets_without_shadows(16)
    usual_of = np.ones(16, dtype=bool)
    if attack == "gap":  # members are classified correctly, others with probability 1 - shift
        scores = (member | (rng.random(member.shape) > shift)).astype(float)
    elif attack == "LiRA":
        known = np.arange(16) < 8
        usual_of = ~known
        shadows, of_shadows = scores[known], member[known]
        split = log_ratios(scores[~known], shadows, of_shadows, False, "global")
        scores = np.concatenate([log_ratios(shadows, shadows, of_shadows, True, "global"), split])
    flips = of_records(member)
    share = choose_share(flips.of(known), scores[known], DELTA)
    usual = guess(flips.of(usual_of), scores[usual_of], rng, Share())
    chosen = guess(flips.of(~known), scores[~known], rng, share)
    return [epsilon_bound(usual, DELTA), epsilon_bound(chosen, DELTA), share.fraction]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--null", type=int, default=400, help="repeats without a signal")
    parser.add_argument("--records", type=int, nargs="+", default=[60, 250])
    arguments = parser.parse_args()
    print("records  attack      shift  exposed  usual  chosen  fraction  positive")
    for n_records in arguments.records:
        for attack, shift, exposed in CASES:
            repeats = arguments.repeats if shift else arguments.null
            found = np.array(
                [bounds(seed, attack, shift, exposed, n_records) for seed in range(repeats)]
            )
            usual, chosen, _ = found.mean(0)
            print(
                f"{n_records:7}  {attack:10}  {shift:5}  {exposed:7}  {usual:5.2f}  {chosen:6.2f}"
                f"  {np.median(found[:, 2]):8}  {(found[:, 1] > 0).mean():8.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
