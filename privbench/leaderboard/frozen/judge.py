"""Measure scores by the membership of the targets, beside the built-in attacks on the same outputs.

All numbers are rounded to ``DIGITS``. A number with all of its digits would tell whoever chose the
scores much of the membership; rounded numbers tell less, and each judgement is counted
(docs/leaderboard-attacks.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.leaderboard.frozen.folder import FrozenOutputs, FrozenPopulation
from privbench.leaderboard.frozen.secret import Membership
from privbench.metrics import Influences, Pairs, Summary, summarise_pairs
from privbench.metrics.differences import Difference, difference_error
from privbench.seeds import generator

DIGITS = 3
"""Decimals of all numbers of a judgement."""

Scores = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Measured:
    """The numbers of one attack on one subset of a population, and what differences need."""

    summary: Summary
    influences: Influences

    @classmethod
    def of(cls, scores: NDArray[np.float64], member: NDArray[np.bool_]) -> Measured:
        """Measure scores (targets, records) by membership (targets, records).

        Intervals are over models and records: all targets are compared with the same shadows.
        """
        influences = Influences.of(scores, member)
        rng = generator("judge")  # a bootstrap is not drawn where influences are given
        return cls(
            summarise_pairs(Pairs.of(scores, member), None, rng, influences=influences), influences
        )

    def less(self, other: Measured) -> dict[str, Any]:
        """Return the paired differences to another attack: of the AUC and of the TPR at each FPR."""
        found = {"auc": _difference(self.summary.auc - other.summary.auc,
                                    self.influences.auc, other.influences.auc)}  # fmt: skip
        rates: dict[str, Any] = {}
        for fpr, psi in self.influences.tpr_at_fpr.items():
            baseline = other.influences.tpr_at_fpr[fpr]
            if psi is not None and baseline is not None:
                values = [m.summary.tpr_at_fpr[str(fpr)]["value"] or 0.0 for m in (self, other)]
                rates[str(fpr)] = _difference(values[0] - values[1], psi, baseline)
        return found | {"tpr_at_fpr": rates}


def judge(frozen: FrozenOutputs, membership: Membership, scores: Scores) -> list[dict[str, Any]]:
    """Return a row for the ordinary records, or each kind of canaries, of each population.

    Args:
        frozen: the public folder.
        membership: that of the targets.
        scores: scores (targets, n_pool) by population.

    Returns:
        JSON values: the columns of docs/rows.md that apply, and ``differences`` to each baseline.
    """
    baselines = {name: frozen.baseline(name) for name in frozen.baselines}
    rows = []
    for population in frozen.populations:
        member = membership[population.name]
        for kind, in_subset in _subsets(frozen, population):
            measured = Measured.of(scores[population.name][:, in_subset], member[:, in_subset])
            others = {
                name: Measured.of(of_all[population.name][:, in_subset], member[:, in_subset])
                for name, of_all in baselines.items()
            }
            rows.append(rounded(_row(frozen, population, kind, measured, others)))
    return rows


def rounded(value: Any) -> Any:
    """Return JSON values with all numbers rounded to ``DIGITS``.

    >>> rounded({"auc": 0.12345, "ci": [0.1, None]})
    {'auc': 0.123, 'ci': [0.1, None]}
    """
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _subsets(
    frozen: FrozenOutputs, population: FrozenPopulation
) -> Iterator[tuple[str | None, NDArray[np.bool_]]]:
    """Yield which pool records (n_pool,) are attacked, for each kind of canaries or for records."""
    pool = frozen.pool(population)
    if population.subset == "records":
        yield None, (pool["canary_kind"] == "") & ~pool["always"]
    for kind in population.canary_kinds:
        yield kind, pool["canary_kind"] == kind


def _row(
    frozen: FrozenOutputs,
    population: FrozenPopulation,
    kind: str | None,
    measured: Measured,
    others: Mapping[str, Measured],
) -> dict[str, Any]:
    names = {name: getattr(population, name) for name in ("dataset", "defense", "model", "subset")}
    numbers = measured.summary.to_json()
    kept = ("auc", "auc_ci", "tpr_at_fpr", "advantage", "n_models", "interval_over")
    return {
        "benchmark": frozen.benchmark,
        **names,
        "canary_kind": kind,
        "knowledge": "adaptive",
        "population": population.name,
        **{name: numbers[name] for name in kept},
        "differences": {name: measured.less(other) for name, other in others.items()},
    }


def _difference(
    value: float, first: NDArray[np.float64], second: NDArray[np.float64]
) -> dict[str, Any]:
    difference = Difference(value, *difference_error(first, second, of_records=True))
    return {"value": value, "ci": list(difference.interval)}
