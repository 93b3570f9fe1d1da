"""Rows of several seeds combined in one.

Each seed has a split, a pool, a membership and models of its own. A combined row has the means over the
seeds of a trial, with intervals that allow for the variance between seeds (`metrics.differences`). Its
rows are kept under the key ``parts``, so that differences between two rows are taken seed by seed first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from privbench.metrics.differences import Error, mean_error
from privbench.metrics.interval import logit_t, t_quantile
from privbench.privacy.verdict import worst_verdict
from privbench.storage.results import Row

TRIAL = (
    "benchmark", "dataset", "model", "defense", "attack", "observes", "knowledge", "subset",
    "canary_kind",
)  # fmt: skip
"""The columns that the rows of one combined row have in common."""
MEANS = (
    "train_accuracy", "balanced_accuracy", "advantage", "column_fidelity", "pairwise_fidelity",
    "majority_accuracy", "clipped_share",
)  # fmt: skip
SUMS = ("n_members", "n_nonmembers", "seconds")
OF_ONE_SEED = (
    "utility_key", "metrics_key", "audit", "precision", "record_risk", "key"
)  # fmt: skip
"""Columns that a combined row has not."""
BOUND_LEVEL = 0.05


def combine_seeds(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each trial, over all seeds of its (benchmark, dataset, model).

    - The ``seed`` of a combined row is a tuple of the seeds of the group.
    - Means are over the seeds that are ok. Rows that are not ok stay beside the combined one.
    - With a single seed rows are as they were.
    """
    seeds: dict[tuple[object, ...], dict[int, None]] = {}
    trials: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        seeds.setdefault(_group(row), {})[row["seed"]] = None
        trials.setdefault(tuple(row[name] for name in TRIAL), []).append(row)
    combined = []
    for of_trial in trials.values():
        of_group = tuple(seeds[_group(of_trial[0])])
        if len(of_group) == 1:
            combined += of_trial
            continue
        ok = [row for row in of_trial if row["status"] == "ok"]
        if ok:
            combined.append(_combined(ok) | {"seed": of_group})
        combined += [row | {"seed": of_group} for row in of_trial if row["status"] != "ok"]
    return combined


def parts_of(row: Row) -> Mapping[int, Row]:
    """Return the rows behind a row, by seed."""
    parts: Mapping[int, Row] = row["parts"] if "parts" in row else {row["seed"]: row}
    return parts


def n_clusters(row: Row) -> int:
    """Return how many independent parts the intervals of a row have at least: models, or seeds."""
    n_seeds = len(parts_of(row))
    return n_seeds if n_seeds > 1 else int(row["n_models"])


def seeds_text(row: Row) -> str:
    """Return the seeds of a row for a title.

    >>> seeds_text({"seed": 3}), seeds_text({"seed": (0, 1, 2)})
    ('seed 3', '3 seeds')
    """
    seed = row["seed"]
    return f"{len(seed)} seeds" if isinstance(seed, tuple) else f"seed {seed}"


def incomplete_note(rows: Sequence[Row]) -> str:
    """Return which defenses have results of fewer seeds than the title says; empty if none has."""
    found = {
        row["defense"]: f"{row['defense']} ({len(row['parts'])} of {len(row['seed'])})"
        for row in rows
        if "parts" in row and len(row["parts"]) < len(row["seed"])
    }
    return f"means over fewer seeds: {', '.join(found.values())}" if found else ""


def bound_over_seeds(bounds: Sequence[float | None]) -> float | None:
    """Return a lower bound that holds with 95%, given one of 95% for each of several independent seeds.

    It is the k-th largest, with k such that k of them are wrong with a chance of at most 5%: the second
    largest of two to seven. None counts as no bound.

    >>> bound_over_seeds([1.0, 3.0, 2.0]), bound_over_seeds([1.0, None]), bound_over_seeds([1.0])
    (2.0, None, 1.0)
    """
    from scipy.special import bdtrc

    n = len(bounds)
    k = next(k for k in range(1, n + 1) if bdtrc(k - 1, n, BOUND_LEVEL) <= BOUND_LEVEL + 1e-12)
    known = sorted((b for b in bounds if b is not None), reverse=True)
    return known[k - 1] if len(known) >= k else None


def _group(row: Row) -> tuple[object, ...]:
    return row["benchmark"], row["dataset"], row["model"]


def _combined(rows: Sequence[Row]) -> Row:
    """Return the row of the means of rows that are ok."""
    first = rows[0]
    row: Row = first | dict.fromkeys(OF_ONE_SEED) | {"parts": {row["seed"]: row for row in rows}}
    row |= {name: _mean([r[name] for r in rows]) for name in MEANS}
    row |= {name: sum(r[name] for r in rows) for name in SUMS if first[name] is not None}
    for name in ("auc", "test_accuracy", "test_balanced_accuracy"):
        row[name], row[f"{name}_ci"] = _rate([(r[name], r[f"{name}_ci"]) for r in rows], rows)
    for name in ("tpr_at_fpr", "calibrated_tpr_at_fpr"):
        row[name] = _rates([r[name] for r in rows], rows)
    row["majority_difference_ci"] = _above_majority(rows)
    row["guarantee"] = _largest_guarantee(rows)
    row["audited_epsilon"] = bound_over_seeds([r["audited_epsilon"] for r in rows])
    row["verdict"] = worst_verdict(r["verdict"] for r in rows)
    given = {w["name"]: w for r in rows for w in r["warnings"] or ()}
    row["warnings"] = None if first["warnings"] is None else list(given.values())
    return row


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


Value = tuple[float | None, Sequence[float] | None]


def _rate(found: Sequence[Value], rows: Sequence[Row]) -> tuple[float | None, list[float] | None]:
    """Return the mean of a rate in [0, 1] over seeds, and its interval, on the logit scale."""
    return _mean_and_interval(found, rows, _logit_interval)


def _mean_and_interval(
    found: Sequence[Value],
    rows: Sequence[Row],
    interval_of: Callable[[float, Error], tuple[float, float]],
) -> tuple[float | None, list[float] | None]:
    values = [value for value, _ in found]
    mean = _mean(values)
    if mean is None or any(interval is None for _, interval in found):
        return mean, None
    errors = [
        ((interval[1] - interval[0]) / 2 / t_quantile(n), n - 1)
        for (_, interval), n in zip(found, (max(row["n_models"], 2) for row in rows), strict=True)
        if interval is not None
    ]
    return mean, list(interval_of(mean, mean_error([v for v in values if v is not None], errors)))


def _logit_interval(mean: float, error: Error) -> tuple[float, float]:
    if 0 < mean < 1:
        return logit_t(mean, error[0], error[1] + 1)
    low, high = _plain_interval(mean, error)
    return max(low, 0.0), min(high, 1.0)


def _plain_interval(mean: float, error: Error) -> tuple[float, float]:
    reach = error[0] * t_quantile(error[1] + 1)
    return mean - reach, mean + reach


def _rates(found: Sequence[Any], rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return the TPR at each FPR; None if a seed has none."""
    if any(rates is None for rates in found):
        return None
    return {fpr: _tpr([rates[fpr] for rates in found], rows) for fpr in found[0]}


def _tpr(rates: Sequence[Any], rows: Sequence[Row]) -> dict[str, Any] | None:
    if any(rate is None for rate in rates):
        return None
    value, interval = _rate([(rate["value"], rate["ci"]) for rate in rates], rows)
    return {"value": value, "ci": interval, "resolved": value is not None}


def _above_majority(rows: Sequence[Row]) -> list[float] | None:
    """Return the interval of the mean of test accuracy less that of the most frequent class."""
    if any(row["majority_accuracy"] is None for row in rows):
        return None
    found = [
        (row["test_accuracy"] - row["majority_accuracy"], row["majority_difference_ci"])
        for row in rows
    ]
    return _mean_and_interval(found, rows, _plain_interval)[1]


def _largest_guarantee(rows: Sequence[Row]) -> Any:
    """Return the guarantee with the largest epsilon, or None if a seed has none."""
    guarantees = [row["guarantee"] for row in rows]
    if any(guarantee is None for guarantee in guarantees):
        return None
    return max(guarantees, key=lambda guarantee: guarantee["epsilon"])
