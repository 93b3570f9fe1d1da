"""The report of an audit: what each attack achieved, as JSON and as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.escape import one_line
from privbench.metrics import RecordRisk, Summary
from privbench.metrics.warnings import KINDS, RowWarning
from privbench.report.numbers import interval_text, number

AUDITED_NOTE = (
    "audited ε: lower bound on ε (95%) if all (model, record) pairs are independent, of its ceiling:"
    " the bound of an attack without an error"
)


@dataclass(frozen=True)
class AttackReport:
    """The metrics of one attack."""

    scores: NDArray[np.float64]
    """Scores (targets, records); larger means member."""
    summary: Summary
    epsilon_lower_bound: float
    epsilon_ceiling: float
    """What ``epsilon_lower_bound`` would be without an error."""
    epsilon_lower_bound_one_run: float | None
    """For a single model whose members were drawn by fair coins: see `one_run_bound`."""
    epsilon_ceiling_one_run: float | None
    """What ``epsilon_lower_bound_one_run`` would be without an error."""
    record_risk: RecordRisk | None
    """AUCs of single records, and what the largest would be by chance; None with fewer than 4 models."""
    most_vulnerable: list[dict[str, Any]]
    """The records with the largest AUC over models: ``record``, ``label`` and ``auc``."""
    warnings: list[RowWarning]
    """Reasons to doubt the attack or its numbers."""

    def to_json(self) -> dict[str, Any]:
        """Return everything but the scores as JSON values."""
        return {
            **self.summary.to_json(),
            "epsilon_lower_bound": self.epsilon_lower_bound,
            "epsilon_ceiling": self.epsilon_ceiling,
            "epsilon_lower_bound_one_run": self.epsilon_lower_bound_one_run,
            "epsilon_ceiling_one_run": self.epsilon_ceiling_one_run,
            "record_risk": self.record_risk,
            "most_vulnerable": self.most_vulnerable,
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Audit:
    """The report on the predictions of one or more target models. ``print`` shows it as a table."""

    attacks: dict[str, AttackReport]
    skipped: dict[str, str]
    """Attacks that do not apply to these predictions, with the reason."""
    failed: dict[str, str]
    """Attacks that raised or returned no valid scores, with the message."""
    member: NDArray[np.bool_]
    """Membership (targets, records)."""
    accuracy: float
    train_accuracy: float
    test_accuracy: float
    shadows: str
    """Where the shadows come from: leave-one-out, same records, other records, or none."""
    groups: NDArray[np.int64] | None
    """The group (records,) of each record of a single model, which intervals resample."""

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values, without scores."""
        return {
            "attacks": {name: report.to_json() for name, report in self.attacks.items()},
            "skipped": self.skipped,
            "failed": self.failed,
            "accuracy": self.accuracy,
            "train_accuracy": self.train_accuracy,
            "test_accuracy": self.test_accuracy,
            "n_models": len(self.member),
            "n_records": self.member.shape[1],
            "shadows": self.shadows,
        }

    def __str__(self) -> str:
        """Return a table of the attacks, the strongest first, and notes on the others."""
        header = self._header()
        notes = [one_line(f"failed {name}: {reason}") for name, reason in self.failed.items()]
        notes += [one_line(f"skipped {name}: {reason}") for name, reason in self.skipped.items()]
        if not self.attacks:
            return "\n".join([header, "", "No attack returned scores.", "", *notes])
        notes[:0] = [self._intervals(), AUDITED_NOTE, *self._warnings()]
        return "\n".join([header, "", self._table(), "", *notes])

    def _intervals(self) -> str:
        """Return what the intervals take to be samples, which depends on the attack."""
        over = {report.summary.interval_over for report in self.attacks.values()}
        if len(over) == 1:
            return f"intervals: 95%, over {over.pop()}"
        return "intervals: 95%, over models and records for attacks with shadows, else over models"

    def _warnings(self) -> list[str]:
        """Return what the marks of warnings stand for."""
        given = {w["name"] for report in self.attacks.values() for w in report.warnings}
        return [f"{kind.mark}: {kind.note}" for name, kind in KINDS.items() if name in given]

    def _header(self) -> str:
        n_models, n_records = self.member.shape
        return (
            f"{n_models} model{'s' if n_models > 1 else ''}, {n_records} records,"
            f" shadows: {self.shadows}; accuracy {number(self.train_accuracy)} on members,"
            f" {number(self.test_accuracy)} on non-members"
        )

    def _table(self) -> str:
        from tabulate import tabulate

        ranked = sorted(self.attacks.items(), key=lambda item: -item[1].summary.auc)
        lines = [_line(one_line(name), report) for name, report in ranked]
        if not self._warnings():
            lines = [{h: text for h, text in line.items() if h != "warnings"} for line in lines]
        return str(tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True))


def _line(name: str, report: AttackReport) -> dict[str, str]:
    summary = report.summary
    rates = {fpr: (rate["value"], rate["ci"]) for fpr, rate in summary.tpr_at_fpr.items()}
    balanced = summary.balanced_accuracy
    return {
        "attack": name,
        "AUC\n[95% CI]": interval_text(summary.auc, summary.auc_ci),
        "TPR at\n0.1% FPR": interval_text(*rates["0.001"]),
        "TPR at\n1% FPR": interval_text(*rates["0.01"]),
        "balanced\naccuracy": "-" if balanced is None else number(balanced),
        "audited ε\nof ceiling": f"{report.epsilon_lower_bound:.2f} of {report.epsilon_ceiling:.2f}",
        "warnings": "".join(KINDS[warning["name"]].mark for warning in report.warnings),
    }
