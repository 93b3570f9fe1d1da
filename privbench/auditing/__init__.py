"""Audits of predictions that were made elsewhere: no training, no harness.

report = privbench.audit("target.npz", shadow="shadow.npz")
report.to_json()["attacks"]["lira"]["auc"]
"""

from privbench.auditing.predictions import Predictions, read_predictions
from privbench.auditing.report import AttackReport, Audit, audit

__all__ = ["AttackReport", "Audit", "Predictions", "audit", "read_predictions"]
