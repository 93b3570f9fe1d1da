"""Audits of predictions of models that were trained elsewhere.

report = privbench.audit("target.npz", shadow="shadow.npz")
report.to_json()["attacks"]["lira"]["auc"]
"""

from privbench.auditing.predictions import Predictions
from privbench.auditing.reading import read_predictions
from privbench.auditing.report import AttackReport, Audit
from privbench.auditing.run import audit, run_audit

__all__ = ["AttackReport", "Audit", "Predictions", "audit", "read_predictions", "run_audit"]
