"""The estimates of a row that is ok: values with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from privbench.storage.results import Row

Estimate = tuple[float | None, Sequence[float] | None]
"""A value and its 95% interval; None for what is unresolved, or not known."""


def accuracy(row: Row) -> Estimate:
    """Return the test accuracy."""
    return row["test_accuracy"], row["test_accuracy_ci"]


def auc(row: Row) -> Estimate:
    """Return the AUC."""
    return row["auc"], row["auc_ci"]


def tpr(row: Row) -> Estimate:
    """Return the TPR at 1% FPR."""
    rate = row["tpr_at_fpr"]["0.01"]
    return rate["value"], rate["ci"]


def small_tpr(row: Row) -> Estimate:
    """Return the TPR at 0.1% FPR."""
    rate = row["tpr_at_fpr"]["0.001"]
    return rate["value"], rate["ci"]


def calibrated(row: Row) -> Estimate:
    """Return the TPR at 1% FPR of scores that are standardised for each record, if it has one."""
    rate = (row["calibrated_tpr_at_fpr"] or {}).get("0.01", {})
    return rate.get("value"), rate.get("ci")


def precision(row: Row) -> Estimate:
    """Return the precision at 1% prevalence and 1% FPR, if it has one; it has no interval."""
    return ((row["precision"] or {}).get("0.01") or {}).get("value"), None


def balanced(row: Row) -> Estimate:
    """Return the balanced accuracy, which has no interval."""
    return row["balanced_accuracy"], None
