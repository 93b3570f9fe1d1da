"""What an attack finds in parts of the records: of a class, answered right or wrong, or by a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.predictions import Predictions
from privbench.metrics import Pairs, Roc, holm
from privbench.metrics.clustered import Over
from privbench.metrics.influence import passing
from privbench.metrics.interval import Interval
from privbench.metrics.subsets import auc_interval, auc_within, difference_p_value, rate_within

FPR = 0.01
"""The false positive rate over all records whose threshold all slices share."""
N_QUANTILES = 4
"""Number of groups of a column of numbers."""
MAX_VALUES = 20
"""Largest number of distinct values that are each a slice of their own."""
MIN_PAIRS = 10
"""Number of members, and of non-members, that a slice needs for numbers of its own."""
MISSING, OTHER = "missing", "all other values"

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """A division of pairs into slices."""

    name: str
    values: Sequence[str]
    """The name of each slice."""
    codes: NDArray[np.int64]
    """The slice (models, records) of each pair."""


@dataclass(frozen=True)
class Slice:
    """What one attack finds in one slice. Rates lie in [0, 1]; they are None with too few pairs."""

    column: str
    value: str
    n_members: int
    n_nonmembers: int
    auc: float | None = None
    """Of the pairs of the slice alone."""
    auc_ci: Interval | None = None
    tpr: float | None = None
    """At the threshold that calls 1% of all non-members members."""
    tpr_ci: Interval | None = None
    fpr: float | None = None
    """Of this slice, at the same threshold."""
    auc_of_others: float | None = None
    """Of all other pairs; None with too few of them."""
    p_value: float | None = None
    """Of the AUC of all other pairs being the same; None if this cannot be tested."""
    differs: bool | None = None
    """Whether the AUC differs from that of all other pairs (5%, corrected by Holm for all slices)."""

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def slices(scores: NDArray[np.float64], target: Predictions, over: Over) -> list[Slice]:
    """Return what an attack finds in each slice, by column.

    Args:
        scores: (models, records), or (models, groups); larger means member.
        target: the predictions that were attacked; its ``columns`` are sliced, too.
        over: what intervals take to be samples.
    """
    member = target.member if target.groups is None else target.groups.member(target.member)
    called = passing(scores, Roc.of(Pairs.of(scores, member)), FPR)
    found = [
        _measured(column, value, column.codes == code, scores, member, called, over)
        for column in columns_of(target)
        for code, value in enumerate(column.values)
    ]
    tested = [i for i, one in enumerate(found) if one.p_value is not None]
    differs = dict(zip(tested, holm([found[i].p_value or 0.0 for i in tested]), strict=True))
    return [
        Slice(**vars(one) | {"differs": differs.get(i)}) if i in differs else one
        for i, one in enumerate(found)
    ]


def columns_of(target: Predictions) -> Iterator[Column]:
    """Yield how pairs are sliced: by label, by whether they are answered right, and by each column.

    Regression has no right answers, and targets are sliced as numbers; of several labels the number is
    sliced that are 1. Groups of records are sliced by what is the same for all records of a group.
    """
    shape = target.member.shape
    if target.task == "classification":
        names: Sequence[str] = [target.class_name(k) for k in range(target.n_classes)]
        own = Column("class", names, _rows(target.labels, shape))
    elif target.task == "regression":
        texts, codes = grouped(target.labels)
        own = Column("target", texts, _rows(codes, shape))
    else:
        texts, codes = grouped(target.labels.sum(axis=1))
        own = Column("number of labels", texts, _rows(codes, shape))
    columns = [own]
    if target.task == "classification" and target.groups is None:
        right = target.log_probs.argmax(-1) == target.labels
        columns.append(Column("answer of the model", ["wrong", "right"], right.astype(np.int64)))
    for name, values in target.columns.items():
        texts, codes = grouped(values)
        columns.append(Column(name, texts, _rows(codes, shape)))
    for column in columns:
        if target.groups is None:
            yield column
        elif not target.groups.mixed(column.codes):
            yield replace(column, codes=column.codes[:, target.groups.first])


def grouped(values: NDArray[Any]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of groups of values (records,), and the group (records,) of each.

    1. Numbers with more than `MAX_VALUES` distinct values are cut at their quartiles.
    2. Other values are groups of their own; of more than `MAX_VALUES` texts the rarest are one group.
    3. Values that are missing (NaN, an empty text) are a group.

    >>> grouped(np.array(["b", "a", "b"]))
    (['a', 'b'], array([1, 0, 1]))
    """
    missing = values == "" if values.dtype.kind == "U" else values != values
    known = values[~missing]
    distinct, counts = np.unique(known, return_counts=True)
    if len(distinct) > MAX_VALUES and values.dtype.kind in "iuf":
        edges = np.unique(np.quantile(known, np.linspace(0, 1, N_QUANTILES + 1)))
        of_known = np.searchsorted(edges[1:-1], known, side="right")
        names = [f"{a:.4g} to {b:.4g}" for a, b in pairwise(edges)]
    else:
        kept = distinct
        if len(distinct) > MAX_VALUES:
            kept = np.sort(distinct[np.argsort(-counts, kind="stable")[: MAX_VALUES - 1]])
        of_known = np.searchsorted(kept, known)
        of_known[~np.isin(known, kept)] = len(kept)
        names = [str(value) for value in kept.tolist()]
        names += [OTHER] if len(kept) < len(distinct) else []
    codes = np.full(len(values), len(names), dtype=np.int64)
    codes[~missing] = of_known
    return names + ([MISSING] if missing.any() else []), codes


def _measured(
    column: Column,
    value: str,
    within: Bools,
    scores: NDArray[np.float64],
    member: Bools,
    called: Bools,
    over: Over,
) -> Slice:
    parts = member & within, ~member & within
    counts = int(parts[0].sum()), int(parts[1].sum())
    if min(counts) < MIN_PAIRS:
        return Slice(column.name, value, *counts)
    auc, psi = auc_within(scores, member, within)
    p_value = other = None
    rest = ~within
    if min((member & rest).sum(), (~member & rest).sum()) >= MIN_PAIRS:
        other, psi_of_rest = auc_within(scores, member, rest)
        p_value = difference_p_value(auc, other, psi - psi_of_rest, over)
    rate, interval = rate_within(called, parts[0], over)
    return Slice(
        column.name,
        value,
        *counts,
        auc=auc,
        auc_ci=auc_interval(auc, psi, within, member, over),
        tpr=rate,
        tpr_ci=interval,
        fpr=float(called[parts[1]].mean()),
        auc_of_others=other,
        p_value=p_value,
    )


def _rows(codes: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.broadcast_to(codes, shape)
