"""Membership and identifiers of records, as people have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.problems import Problems
from privbench.wording import shortened

TRUTH = {"0": False, "1": True, "false": False, "true": True}
"""The texts of membership."""
SHOWN = 5
"""Values that a message shows."""
ADVICE_MEMBER = (
    "save true or 1 for records that the model was trained on, and false or 0 for others, such as"
    " column == 'train'"
)

Bools = NDArray[np.bool_]


def membership(
    values: NDArray[Any], size: tuple[int, ...] | None, problems: Problems, notes: list[str]
) -> Bools | None:
    """Return membership (models, records); None if something is wrong with it.

    Args:
        values: truth values, 0 and 1, or their texts, (models, records). With (records,) all models have
            the same members.
        size: numbers of models and records; None if they are unknown.
        problems: collects what is wrong.
        notes: collects what was taken.
    """
    member = _truth(values, problems)
    if member is None or size is None:
        return None
    n_models, n = size
    if member.shape == (n, 1):
        member = member[:, 0]
    if member.shape == (n,):
        if n_models > 1:
            notes.append(f"member {member.shape}: all {n_models} models have the same members")
        member = np.repeat(member[None], n_models, axis=0)
    if member.shape != (n_models, n):
        problems.add("member", f"has shape {member.shape}, expected ({n_models}, {n})")
        return None
    if member.all():
        problems.add(
            "member",
            "every record is a member; an audit needs both: add outputs on other records, or give them"
            " with --holdout FILE",
        )
    elif not member.any():
        problems.add(
            "member",
            "every record is a non-member; an audit needs both: add outputs on the training records",
        )
    return member


def _truth(values: NDArray[Any], problems: Problems) -> Bools | None:
    if values.dtype.kind == "b":
        return values.copy()  # the caller's own array stays writable
    if values.dtype.kind == "U":
        texts, index = np.unique(values, return_inverse=True)
        words = [text.strip().lower() for text in texts]
        index = index.reshape(values.shape)
        bad = np.array([word not in TRUTH for word in words])[index]
        truth = np.array([TRUTH.get(word, False) for word in words])[index]
    else:
        bad, truth = ~np.isin(values, (0, 1)), np.asarray(values == 1)
    if not bad.any():
        return truth
    others = np.unique(values[bad])
    shown = shortened(list(map(_shown, others.tolist())), SHOWN)
    by_record = np.asarray(bad.any(axis=0) if bad.ndim == 2 else bad.reshape(-1))
    problems.add(
        "member",
        f"must be bool, or 0 and 1, got {shown} in {problems.records(by_record)}; {ADVICE_MEMBER}",
    )
    return None


def check_ids(ids: NDArray[Any], n: int | None, problems: Problems) -> None:
    """Note what is wrong with identifiers (records,), which are distinct integers or texts."""
    if ids.dtype.kind not in "iuU":
        problems.add("record_ids", f"must be integers or strings, got {ids.dtype}")
        return
    if ids.ndim != 1 or n not in (None, len(ids)):
        problems.add("record_ids", f"has shape {ids.shape}, expected ({n or 'records'},)")
        return
    distinct, first, counts = np.unique(ids, return_index=True, return_counts=True)
    if repeated := len(ids) - len(distinct):
        again = np.ones(len(ids), dtype=bool)
        again[first] = False
        example = _shown(distinct[counts > 1].tolist()[0])
        problems.add(
            "record_ids",
            f"must be distinct, but {repeated} are repeated, such as {example}, in"
            f" {problems.records(again)}; leave out records that are members and non-members at once; if"
            " lines are of several models, name the column that says which with --model",
        )


def _shown(value: Any) -> str:
    return "no value" if value != value or value == "" else repr(value)
