"""The metrics of an attack on one synthetic table, with intervals over records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.synthetic.rows import AttackedRows
from privbench.metrics import Pairs, Summary, holm, summarise_pairs, warnings
from privbench.metrics.clustered import Estimate
from privbench.metrics.subsets import auc_within, difference_p_value
from privbench.metrics.warnings import RowWarning
from privbench.seeds import generator

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class DataAttack:
    """The metrics of one attack."""

    scores: Scores
    """Scores (1, records), larger means member: first the attacked rows of train, then the holdout's."""
    summary: Summary
    p_value: float
    """Two-sided, of the AUC being .5."""
    above_chance: bool
    """Whether the AUC is above .5 (5%, corrected by Holm for all attacks of the audit)."""
    warnings: list[RowWarning]
    epsilon_lower_bound: float = 0.0
    """A single table proves no bound."""
    called: None = None
    """Decisions at thresholds chosen on shadows, which a single table has none of."""

    def to_json(self) -> dict[str, Any]:
        """Return everything but the scores as JSON values."""
        return {
            **self.summary.to_json(),
            "p_value": self.p_value,
            "above_chance": self.above_chance,
            "warnings": self.warnings,
        }


def measure_all(scores: dict[str, Scores], rows: AttackedRows, seed: int) -> dict[str, DataAttack]:
    """Return the metrics of all attacks.

    Args:
        scores: scores (records,) by attack.
        rows: the attacked records.
        seed: draws the blocks of records that intervals resample.
    """
    member, blocks = rows.member, rows.blocks(seed)
    measured = {name: p_value_of(values, member, rows.value) for name, values in scores.items()}
    rejected = holm([p for p, _ in measured.values()])
    attacks = {}
    for (name, values), is_rejected in zip(scores.items(), rejected, strict=True):
        p, estimate = measured[name]
        rng = generator(seed, "intervals", name)
        pairs = Pairs.grouped(values, member, blocks)
        attacks[name] = DataAttack(
            scores=values[None],
            summary=summarise_pairs(pairs, None, rng, n_models=1),
            p_value=p,
            above_chance=is_rejected and estimate.value > 0.5,
            warnings=warnings.below_chance(estimate),
        )
    return attacks


def p_value_of(
    scores: Scores, member: NDArray[np.bool_], value: NDArray[np.int64]
) -> tuple[float, Estimate]:
    """Return the p-value of an AUC of .5, and the AUC with its standard error.

    Equal records count as one sample (DeLong et al. 1988 with the clusters of Obuchowski 1997, doi
    10.2307/2533958).

    Args:
        scores: (records,), larger = member.
        member: bool (records,).
        value: (records,), the number of each record's value.
    """
    from scipy.special import gammaln

    auc, influence = auc_within(scores[None], member[None], np.ones((1, len(scores)), dtype=bool))
    psi: Scores = np.bincount(value, weights=influence[0])[None].astype(np.float64)
    estimate = Estimate.of(auc, psi, "records")
    if auc in (0.0, 1.0):  # one of two orders, of all that are as likely if the AUC is .5
        n, m = (len(np.unique(value[side])) for side in (member, ~member))
        log_orders = gammaln(n + m + 1) - gammaln(n + 1) - gammaln(m + 1)
        return min(1.0, float(2 * np.exp(-log_orders))), estimate
    return difference_p_value(auc, 0.5, psi, "records"), estimate
