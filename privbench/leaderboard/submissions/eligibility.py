"""Whether a submission is large enough for the leaderboard (docs/leaderboard-submissions.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privbench.wording import plural

MIN_MODELS, MIN_SEEDS = 16, 3
"""Fewer models tell hardly any defense from another, and one seed may be a lucky one."""


def not_eligible(configuration: Mapping[str, Any]) -> str:
    """Return why a run is too small for the leaderboard; empty if it is large enough.

    Args:
        configuration: the resolved benchmark of the run, as JSON values.

    >>> not_eligible({"population": 4, "seeds": [0]})
    '4 models (allowed: at least 16); 1 seed (allowed: at least 3)'
    """
    n_models, n_seeds = int(configuration["population"]), len(set(configuration["seeds"]))
    return "; ".join(
        f"{plural(number, noun)} (allowed: at least {least})"
        for number, noun, least in ((n_models, "model", MIN_MODELS), (n_seeds, "seed", MIN_SEEDS))
        if number < least
    )
