"""Small tables of mixed types, and what generators make of them."""

import numpy as np
import pandas as pd

QUICK = ("dcr", "density-ratio", "gen-lra")
"""Attacks without shadows that take no training."""


def people(n, seed):
    """Return n rows of numbers and words, with holes."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": np.round(np.exp(rng.normal(10, 0.5, n)), 2),
            "city": rng.choice(list("abcd"), n),
            "job": rng.choice(["clerk", None, "nurse"], n),
            "height": np.where(rng.random(n) < 0.1, np.nan, np.round(rng.normal(size=n), 3)),
            "owner": rng.random(n) < 0.4,
        }
    )


def leaky(table, seed, n):
    """Return n rows of the table with a little noise on the numbers."""
    rng = np.random.default_rng(seed)
    made = table.iloc[rng.integers(len(table), size=n)].reset_index(drop=True)
    for name in ("income", "height"):
        made[name] += 0.3 * table[name].std() * rng.normal(size=n)
    return made
