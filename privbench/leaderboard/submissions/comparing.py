"""Compare rows that were computed again with those of a submission.

**The same seed.** On the same code, versions and kind of machine all numbers must be equal up to
rounding. Elsewhere training differs by rounding that grows, so that estimates may differ, but only as
two runs on the same records: each value must be in the interval of the other one.

**A secret seed.** The split, the membership and the models are others. What is compared is the mean over
the seeds of the submission with that over the secret ones, for the AUC and the TPR at 1% FPR of each
trial, subset and kind of canary, and the accuracy of each defense. With e^2 the mean squared standard
error of one secret seed, from its interval, the difference of means over S and T seeds has the variance

    r e^2 (1 / S + 1 / T)

where r is the ratio of the variance between seeds to e^2. It is estimated once for all comparisons, and
counts if it is above 1: intervals of attacks without shadows take the pool as given, so seeds differ by
more. Neither r nor e is taken from the submission, which could make them as large as it likes. The
p-values are corrected for their number (Holm), at ``LEVEL``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from privbench.leaderboard.submissions.rerun import TRIAL, Rerun
from privbench.metrics.holm import holm
from privbench.metrics.interval import t_quantile
from privbench.report.curves import RocBand, curves_in
from privbench.storage.environment import has_same_code

LEVEL = 0.01
"""The probability that an honest submission is refused for its secret seeds, if intervals are right."""
ROUNDING = 1e-6
CLOSE_ERRORS = 1.5
"""How much larger or smaller standard errors of differences may be on another machine."""
SUBSET = ("subset", "canary_kind")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Compared:
    """One comparison, as a line of the table that is shown."""

    trial: str
    what: str
    submitted: str
    here: str
    allowed: str
    ok: bool

    def line(self) -> dict[str, str]:
        """Return the cells of the line."""
        return {
            "trial": self.trial,
            "compared": self.what,
            "submitted": self.submitted,
            "here": self.here,
            "allowed": self.allowed,
            "": "ok" if self.ok else "REFUSED",
        }


def is_same_code(content: Mapping[str, Any], rerun: Rerun) -> bool:
    """Return whether the code of privbench and the versions of plugins here are the submission's."""
    plugins = (side["plugins"].values() for side in (content["environment"], rerun.environment))
    first, second = map(sorted, plugins)
    return _code(content) == rerun.code and first == second


def is_same_machine(content: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Return whether versions and hardware should give numbers that are equal up to rounding."""
    names = ("python", "libraries", "machine", "cpus", "device")
    return all(content["environment"].get(name) == here.get(name) for name in names)


def compare_commit(content: Mapping[str, Any], rerun: Rerun) -> list[Compared]:
    """Return whether the commit of a submission has the code of its stages, if that is known here."""
    commit, here = (side["commit"] for side in (content["environment"], rerun.environment))
    both_clean = content["environment"]["clean"] and rerun.environment["clean"]
    if not both_clean or commit is None:
        return []
    has_code = commit == here or has_same_code(commit)
    is_code = _code(content) == rerun.code
    if not (has_code or is_code):
        return []  # another version, whose code is not known here
    what = "the code of the stages"
    return [Compared("-", "commit", commit[:12], here[:12], what, has_code and is_code)]


def compare_artifacts(content: Mapping[str, Any], rerun: Rerun) -> list[Compared]:
    """Return the stages whose artifacts have another content here; for the same code and machine."""
    return [
        Compared(
            "-",
            f"artifact {line['kind']} {line['key'][:8]}",
            str(line["content"])[:8],
            str(rerun.contents[line["key"]])[:8],
            "equal",
            False,
        )
        for line in content["submission"]["stages"]
        if line["key"] in rerun.contents and rerun.contents[line["key"]] != line["content"]
    ]


def compare_same_differences(
    content: Mapping[str, Any], rerun: Rerun, *, exact: bool
) -> list[Compared]:
    """Return the recorded errors of differences that are others here.

    On another machine they may differ by a factor of ``CLOSE_ERRORS``; ranks rest on them.
    """
    position = {_row_name(row): row for row in rerun.rows}
    compared = []
    for measure, i, j, error, degrees in content["differences"]:
        names = [_row_name(content["rows"][k]) for k in (i, j)]
        if all(name in position for name in names):
            here = rerun.errors(position[names[0]], position[names[1]], measure)
            if exact:
                same = here is not None and math.isclose(here[0], error, rel_tol=1e-6, abs_tol=1e-9)
            else:
                same = (
                    here is not None and here[0] / CLOSE_ERRORS <= error <= here[0] * CLOSE_ERRORS
                )
            if here is None or not same or here[1] != degrees:
                what = f"error of the difference in {measure}"
                compared.append(
                    Compared(f"rows {i} and {j}", what, _text(error), ascii(here), "equal", False)
                )
    return compared


def compare_same_curves(content: Mapping[str, Any], rerun: Rerun) -> list[Compared]:
    """Return the ROC curves that are others here, for the same code and machine; files round them."""
    rows = content["rows"]
    curve = curves_in(rows, content.get("curves", []))
    submitted = {_row_name(row): row for row in rows}
    return [
        Compared(_title(row, f"seed={row['seed']}"), "ROC curve", "", "", "equal", False)
        for row in rerun.rows
        if not _same_curves(curve(submitted[_row_name(row)]), rerun.curves(row))
    ]


def _same_curves(first: RocBand | None, second: RocBand | None) -> bool:
    if first is None or second is None:
        return first is second
    return all(
        len(getattr(first, name)) == len(getattr(second, name))
        and np.allclose(getattr(first, name), getattr(second, name), atol=5.1e-5)
        for name in ("tpr", "low", "high")
    )


def compare_same_seed(
    content: Mapping[str, Any], rerun: Rerun, *, same_code: bool, exact: bool
) -> list[Compared]:
    """Return a comparison for each row that was computed again with a seed of the submission.

    Args:
        content: the submission.
        rerun: what was computed again.
        same_code: whether keys must be equal.
        exact: whether numbers must be equal up to rounding; else they must be within intervals.
    """
    submitted = {_row_name(row): row for row in content["rows"]}
    skipped = {"seconds", "verdict"}  # of this machine; corrected for the rows of a run
    if not rerun.complete:
        skipped.add("warnings")  # some compare a row with that of another trial
    if not same_code:
        skipped |= {"key", "utility_key", "metrics_key"}
    compared = []
    for row in rerun.rows:
        other = submitted[_row_name(row)]
        name = _title(row, f"seed={row['seed']}")
        differing = [
            (path, a, b)
            for column in row
            if column not in skipped
            for path, a, b in _differing(column, other[column], row[column])
        ]
        if not exact:
            differing = [d for d in differing if not _is_close_enough(d, other, row)]
        rule = "equal" if exact else "within the interval"
        if differing:
            compared += [
                Compared(name, p, _text(a), _text(b), rule, False) for p, a, b in differing
            ]
        else:
            value = "auc" if row["status"] == "ok" else "status"
            compared.append(
                Compared(name, "all columns", _text(other[value]), _text(row[value]), rule, True)
            )
    return compared


def compare_secret_seeds(content: Mapping[str, Any], rerun: Rerun) -> list[Compared]:
    """Return a comparison for each estimate of trials with secret seeds; all are tested at once."""
    ours = _estimates(rerun.secret)
    theirs = _estimates(content["rows"])
    pairs = [(name, theirs[name], ours[name]) for name in ours if name in theirs]
    inflation = variance_ratio([own for _, _, own in pairs])
    tests = []
    for _, first, second in pairs:
        error = math.sqrt(
            inflation
            * float(np.mean([e**2 for _, e in second]))
            * (1 / len(first) + 1 / len(second))
        )
        tests.append((_mean(first), _mean(second), error))
    degrees = max(min((row["n_models"] for row in rerun.secret), default=2) - 1, 1)
    rejected = holm([_p_value(a - b, error, degrees) for a, b, error in tests], LEVEL)
    limit = _quantile(LEVEL / max(len(tests), 1), degrees)
    return [
        Compared(
            name[0], name[1], _text(a), _text(b), f"{a:.3f} +- {min(limit * error, 1):.3f}", not bad
        )
        for (name, *_), (a, b, error), bad in zip(pairs, tests, rejected, strict=True)
    ]


Estimate = tuple[float, float]
"""A value of one seed, and its standard error."""


def variance_ratio(sides: Sequence[Sequence[Estimate]]) -> float:
    """Return how much larger the variance between seeds is than standard errors say; at least 1.

    Args:
        sides: for each estimate, one value and its standard error for each seed.

    >>> variance_ratio([[(0.4, 0.1), (0.6, 0.1)]]), variance_ratio([[(0.5, 0.1)]])
    (2.0, 1.0)
    """
    ratios = []
    for side in sides:
        within = float(np.mean([error**2 for _, error in side]))
        if len(side) > 1 and within > 0:
            ratios.append(float(np.var([value for value, _ in side], ddof=1)) / within)
    return round(max(1.0, float(np.mean(ratios))), 12) if ratios else 1.0


def _code(content: Mapping[str, Any]) -> Mapping[str, str]:
    code: Mapping[str, str] = content["submission"]["stages"][0]["provenance"]["privbench"]
    return code


def _estimates(rows: Sequence[Row]) -> dict[tuple[str, str], list[Estimate]]:
    """Return the estimates of rows that are ok, one for each seed."""
    by_seed: dict[tuple[str, str], dict[int, Estimate]] = {}
    for row in rows:
        if row["status"] != "ok":
            continue
        place = "/".join(row[name] for name in ("dataset", "defense", "model"))
        tpr = row["tpr_at_fpr"]["0.01"]
        found = [
            (place, "test_accuracy", row["test_accuracy"], row["test_accuracy_ci"]),
            (_title(row), "auc", row["auc"], row["auc_ci"]),
            (_title(row), "tpr at 1% FPR", tpr["value"], tpr["ci"]),
        ]
        for name, what, value, interval in found:
            if value is not None and interval is not None:
                reach = max(value - interval[0], interval[1] - value)
                error = reach / t_quantile(max(row["n_models"], 2))
                by_seed.setdefault((name, what), {})[row["seed"]] = (value, error)
    return {name: list(of.values()) for name, of in by_seed.items()}


def _differing(path: str, first: Any, second: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield where two values of a column differ by more than rounding."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        for key in first:
            yield from _differing(f"{path}[{key}]", first[key], second[key])
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for i, pair in enumerate(zip(first, second, strict=True)):
            yield from _differing(f"{path}[{i}]", *pair)
    elif _is_number(first) and _is_number(second):
        # A delta is small and is a setting, so that no difference of it is due to rounding.
        error = 0.0 if path.endswith("[delta]") else ROUNDING
        if not math.isclose(first, second, rel_tol=ROUNDING, abs_tol=error):
            yield path, first, second
    elif first != second:
        yield path, first, second


def _is_close_enough(difference: tuple[str, Any, Any], first: Row, second: Row) -> bool:
    """Return whether a difference is one that rounding may lead to on another machine."""
    path, a, b = difference
    column = path.partition("[")[0]
    intervals = {
        "auc": "auc_ci",
        "test_accuracy": "test_accuracy_ci",
        "test_balanced_accuracy": "test_balanced_accuracy_ci",
    }
    if column in intervals:
        name = intervals[column]
        return _covers(first[name], b) and _covers(second[name], a)
    if path.startswith("tpr_at_fpr") and path.endswith("[value]"):
        fpr = path.split("[")[1].rstrip("]")
        ends = (row["tpr_at_fpr"][fpr]["ci"] for row in (first, second))
        return all(ci is not None and _covers(ci, v) for ci, v in zip(ends, (b, a), strict=True))
    # Everything else has no interval of its own: counts, settings and claims must be equal.
    return not path.startswith("audit[claim]") and column in {
        "train_accuracy", "auc_ci", "tpr_at_fpr", "balanced_accuracy", "advantage", "audited_epsilon",
        "test_accuracy_ci", "test_balanced_accuracy_ci", "majority_difference_ci", "audit",
        "calibrated_tpr_at_fpr", "precision", "record_risk", "column_fidelity", "pairwise_fidelity",
        "clipped_share",
    }  # fmt: skip


def _covers(interval: Sequence[float], value: float | None) -> bool:
    return value is not None and interval[0] - ROUNDING <= value <= interval[1] + ROUNDING


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _row_name(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in (*TRIAL, "seed", *SUBSET))


def _title(row: Row, *more: str) -> str:
    subset = [row["canary_kind"] or row["subset"]]
    return "/".join([*(row[name] for name in TRIAL), *more, *subset])


def _mean(estimates: Sequence[Estimate]) -> float:
    return float(np.mean([value for value, _ in estimates]))


def _p_value(difference: float, error: float, degrees: int) -> float:
    from scipy.special import stdtr

    if error <= 0:
        return 1.0 if abs(difference) <= ROUNDING else 0.0
    return 2 * float(stdtr(degrees, -abs(difference) / error))


def _quantile(level: float, degrees: int) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(degrees, level / 2))


def _text(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else ascii(value)[:60]
