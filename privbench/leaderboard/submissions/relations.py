"""Relations that hold between the columns of one row, whatever was measured.

Rates are counts of pairs over numbers of pairs, so most numbers of a row can take few values only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

Row = Mapping[str, Any]
Finding = tuple[str, Any, str]
"""A column, its value, and what is allowed."""
_ROUNDING = 1e-9
FPRS = ("0.001", "0.01")
REQUIRED = (
    "test_accuracy", "train_accuracy", "auc", "auc_ci", "tpr_at_fpr", "balanced_accuracy", "advantage",
    "n_members", "n_nonmembers", "n_models", "test_accuracy_ci", "test_balanced_accuracy",
    "test_balanced_accuracy_ci", "majority_accuracy", "majority_difference_ci", "utility_key",
    "metrics_key", "n_test", "n_reference", "n_public", "audit", "precision", "warnings", "seconds",
)  # fmt: skip
"""Columns that every row has that is ok."""
MEASURED = (
    "test_accuracy", "train_accuracy", "auc", "auc_ci", "tpr_at_fpr", "balanced_accuracy", "advantage",
    "guarantee", "audited_epsilon", "verdict", "column_fidelity", "pairwise_fidelity", "n_members",
    "n_nonmembers", "test_accuracy_ci", "test_balanced_accuracy", "test_balanced_accuracy_ci",
    "majority_accuracy", "majority_difference_ci", "utility_key", "n_test", "warnings", "metrics_key",
    "audit", "calibrated_tpr_at_fpr", "precision", "record_risk", "seconds", "queries",
)  # fmt: skip
"""Columns that no row has that is not ok."""


def broken_relations(row: Row) -> Iterator[Finding]:
    """Yield what cannot be so in a row that has the form of the schema."""
    if row["status"] != "ok":
        for name in MEASURED:
            if row[name] is not None:
                yield name, row[name], f"null, as the status is {row['status']}"
        if row["key"] != "":
            yield "key", row["key"], "empty without numbers"
        if not row["reason"]:
            yield "reason", row["reason"], f"why the status is {row['status']}"
        return
    missing = [name for name in REQUIRED if row[name] is None]
    for name in missing:
        yield name, None, "a value, as the status is ok"
    if missing:
        return
    if row["n_members"] < 1 or row["n_nonmembers"] < 1:
        yield "n_members", row["n_members"], "members and non-members"
        return
    yield from _intervals(row)
    yield from _counts(row)
    yield from _bounds(row)
    yield from _rates(row, "tpr_at_fpr")
    if row["calibrated_tpr_at_fpr"] is not None:
        yield from _rates(row, "calibrated_tpr_at_fpr")
    yield from _precision(row)
    yield from _audit(row)
    if row["record_risk"] is not None:
        yield from _record_risk(row)


def _intervals(row: Row) -> Iterator[Finding]:
    values = {
        "auc_ci": row["auc"],
        "test_accuracy_ci": row["test_accuracy"],
        "test_balanced_accuracy_ci": row["test_balanced_accuracy"],
        "majority_difference_ci": row["test_accuracy"] - row["majority_accuracy"],
    }
    for name, value in values.items():
        if not _within(value, row[name]):
            yield name, row[name], f"an interval that contains {value}"


def _counts(row: Row) -> Iterator[Finding]:
    """Yield rates that are no count over the number of what is counted."""
    members, nonmembers = row["n_members"], row["n_nonmembers"]
    answers = row["n_models"] * row["n_test"]
    denominators = {
        "auc": 2 * members * nonmembers,
        "advantage": math.lcm(members, nonmembers),
        "balanced_accuracy": 2 * math.lcm(members, nonmembers),
        "test_accuracy": answers,
        "majority_accuracy": answers,
    }
    if row["subset"] == "records":
        denominators["train_accuracy"] = members
    for name, denominator in denominators.items():
        if not _is_count(row[name], denominator):
            yield name, row[name], f"a multiple of 1/{denominator}"


def _bounds(row: Row) -> Iterator[Finding]:
    """Yield what no ROC curve allows."""
    advantage = row["advantage"]
    if row["auc"] > 1 - (1 - advantage) ** 2 / 2 + _ROUNDING:
        yield "auc", row["auc"], f"what an advantage of {advantage} allows"
    for fpr in FPRS:
        tpr = row["tpr_at_fpr"][fpr]["value"]
        if tpr is not None and tpr - float(fpr) > advantage + _ROUNDING:
            yield "advantage", advantage, f"no less than that at an FPR of {fpr}"
        if tpr is not None and row["auc"] < tpr * (1 - float(fpr)) / 2 - _ROUNDING:
            yield "auc", row["auc"], f"what a TPR of {tpr} at an FPR of {fpr} allows"


def _rates(row: Row, name: str) -> Iterator[Finding]:
    rates = row[name]
    for fpr in FPRS:
        rate, label = rates[fpr], f"{name}[{fpr}]"
        if not rate["resolved"]:
            if rate["value"] is not None or rate["ci"] is not None:
                yield label, rate, "null where the rate is not resolved"
            continue
        if rate["value"] is None or rate["ci"] is None:
            yield label, rate, "a value and an interval where the rate is resolved"
            continue
        if not _within(rate["value"], rate["ci"]):
            yield label, rate["value"], f"within {rate['ci']}"
        if name == "tpr_at_fpr":
            if not _is_count(rate["value"], row["n_members"]):
                yield label, rate["value"], f"a multiple of 1/{row['n_members']}"
            if row["n_nonmembers"] * float(fpr) < 1 - _ROUNDING:
                yield label, rate["resolved"], f"false with {row['n_nonmembers']} non-members"
    low, high = (rates[fpr]["value"] for fpr in FPRS)
    if low is not None and high is not None and low > high:
        yield f"{name}[{FPRS[0]}]", low, f"no more than that at a larger FPR, {high}"


def _precision(row: Row) -> Iterator[Finding]:
    precision = row["precision"]
    prior = precision["prior"]
    if prior != 0.01:
        yield "precision[prior]", prior, "0.01"
    for fpr in FPRS:
        value, tpr, false = (precision[fpr][key] for key in ("value", "tpr", "fpr"))
        if tpr is None or false is None:
            if (value, tpr, false) != (None, None, None):
                yield f"precision[{fpr}]", precision[fpr], "all null, or none of tpr and fpr"
            continue
        if not _is_count(tpr, row["n_members"]) or not _is_count(false, row["n_nonmembers"]):
            yield f"precision[{fpr}]", precision[fpr], "rates that are shares of the pairs"
        positive = prior * tpr + (1 - prior) * false
        expected = prior * tpr / positive if positive else None
        if (value is None) != (expected is None) or (
            value is not None and expected is not None and abs(value - expected) > _ROUNDING
        ):
            yield f"precision[{fpr}]", value, f"{expected}, from its rates and the prior"


def _audit(row: Row) -> Iterator[Finding]:
    audit = row["audit"]
    method, bounds = audit["method"], audit["bounds"]
    guesses = ("coins", "guesses", "correct", "targets", "ceiling")
    if audit["claim"] is not None and row["guarantee"] is None and audit["method"] is None:
        yield "audit[claim]", audit["claim"], "null without a guarantee"
    if method is None:
        for name in (*guesses, "p_value", "least_p_value", "detectable", "coins_of", "side"):
            if audit.get(name) is not None:
                yield f"audit[{name}]", audit[name], "null without guesses"
        if row["audited_epsilon"] is not None:
            yield "audited_epsilon", row["audited_epsilon"], "null without guesses"
        return
    if any(audit[name] is None for name in guesses) or bounds[method] is None:
        yield "audit", {name: audit[name] for name in guesses}, "numbers of guesses, and a bound"
        return
    if row["audited_epsilon"] != bounds[method]:
        yield "audited_epsilon", row["audited_epsilon"], f"{bounds[method]}, the bound {method}"
    if not audit["correct"] <= audit["guesses"] <= audit["coins"]:
        yield "audit[correct]", audit["correct"], "correct <= guesses <= coins"
        return
    if bounds[method] > audit["ceiling"] + _ROUNDING:
        yield "audited_epsilon", row["audited_epsilon"], f"at most the ceiling {audit['ceiling']}"
    if not 1 <= audit["targets"] <= row["n_models"]:
        yield "audit[targets]", audit["targets"], f"1 to {row['n_models']}"
    delta, counts = audit["delta"], (audit["coins"], audit["guesses"])
    if audit["claim"] is not None and audit["claim"]["delta"] != delta:
        yield "audit[claim][delta]", audit["claim"]["delta"], f"{delta}, that of the audit"
    expected = _bound(*counts, audit["correct"], delta)
    if bounds["one-run"] is None or abs(bounds["one-run"] - expected) > 1e-6:
        yield "audit[bounds][one-run]", bounds["one-run"], f"{expected}, from the correct guesses"
    best = _bound(*counts, audit["guesses"], delta)
    if method == "one-run" and abs(audit["ceiling"] - best) > 1e-6:
        yield "audit[ceiling]", audit["ceiling"], f"{best}, from the number of guesses"
    p, least = audit["p_value"], audit["least_p_value"]
    if (audit["claim"] is None) != (least is None):
        yield "audit[least_p_value]", least, "a number if and only if there is a claim"
    elif least is not None and (p is None) != (least > 0.05):
        yield "audit[p_value]", p, f"a number if and only if {least} is at most .05"
    elif p is not None and p < least - _ROUNDING:
        yield "audit[p_value]", p, f"no less than that without an error, {least}"


@cache
def _bound(coins: int, guesses: int, correct: int, delta: float) -> float:
    from privbench.metrics.one_run import Coins, epsilon_bound

    return epsilon_bound(Coins.of_one_run(coins, guesses, correct), delta)


def _record_risk(row: Row) -> Iterator[Finding]:
    risk = row["record_risk"]
    limit = (row["n_members"] + row["n_nonmembers"]) // row["n_models"]
    if risk["n_records"] > limit:
        yield "record_risk[n_records]", risk["n_records"], f"at most {limit} records"
    if risk["n_exposed"] > risk["n_records"]:
        yield "record_risk[n_exposed]", risk["n_exposed"], f"at most {risk['n_records']}"
    if (
        risk["mean_auc"] is not None
        and risk["max_auc"] is not None
        and risk["mean_auc"] > risk["max_auc"]
    ):
        yield "record_risk[mean_auc]", risk["mean_auc"], f"at most max_auc, {risk['max_auc']}"
    most = risk["most_exposed"]
    aucs = [record["auc"] for record in most]
    if aucs != sorted(aucs, reverse=True):
        yield "record_risk[most_exposed]", aucs, "the most exposed first"
    if aucs and aucs[0] != risk["max_auc"]:
        yield "record_risk[max_auc]", risk["max_auc"], f"that of the most exposed, {aucs[0]}"
    if len({record["record"] for record in most}) < len(most):
        yield "record_risk[most_exposed]", [r["record"] for r in most], "each record once"


def _within(value: float, interval: tuple[float, float]) -> bool:
    low, high = interval
    return low - _ROUNDING <= value <= high + _ROUNDING


def _is_count(value: float, denominator: int) -> bool:
    count = value * denominator
    return abs(count - round(count)) <= 1e-6 * max(1.0, count / 1e6)
