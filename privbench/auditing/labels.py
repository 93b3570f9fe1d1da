"""Labels as people have them, and which class each column of outputs stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.problems import Problems
from privbench.wording import shortened

Classes = tuple[str, ...]


@dataclass(frozen=True)
class Coding:
    """The class of each column as text; empty if labels are the positions of columns themselves."""

    columns: Classes
    positive_first: bool = False
    """Whether a single column of outputs is about the first class, not about the second."""


def text_of(value: Any) -> str:
    """Return a class as text: 3 for 3.0 as well."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def texts_of(labels: NDArray[Any]) -> NDArray[np.str_]:
    """Return labels (records,) as texts."""
    distinct, index = np.unique(labels, return_inverse=True)
    return np.array([text_of(value) for value in distinct.tolist()], dtype=np.str_)[index]


def common_classes(
    labels: Sequence[NDArray[Any]],
    n_columns: int,
    named: Sequence[str],
    positive: str | None,
    problems: Problems,
    notes: list[str],
) -> Coding | None:
    """Return which class each column of outputs stands for; None if that is unknown.

    1. If the classes are named, those.
    2. Integers 0..columns-1 are positions of columns.
    3. Otherwise the sorted labels, as scikit-learn orders classes, if there are as many as columns.

    A single column of outputs counts as two: it is about the class ``positive``, by default the second.

    Args:
        labels: labels that have the same classes, of records and of reference records.
        n_columns: number of columns of the outputs.
        named: the class of each column, if that is known.
        positive: the class that a single column is about, if that is known.
        problems: collects what is wrong.
        notes: collects what was taken.
    """
    distinct = np.unique(np.concatenate([np.unique(one) for one in labels]))
    if distinct.dtype.kind == "U" and any(one.dtype.kind != "U" for one in labels):
        problems.add("reference_labels", "must be texts if labels are, and numbers if they are")
        return None
    texts = [text_of(value) for value in distinct.tolist()]
    if n_columns == 1 and not named:
        return _of_two(distinct, texts, positive, problems, notes)
    k = max(n_columns, 2)
    if named:
        return _of_named(texts, tuple(named), n_columns, positive, problems)
    if distinct.dtype.kind != "U" and distinct.min() >= 0 and distinct.max() < k:
        return Coding(())
    if len(distinct) == k:
        notes.append(
            f"{problems.called.get('labels', 'labels')}: the classes {shortened(texts)} are taken for"
            " the columns of the outputs in this order, as scikit-learn sorts them; if it is another,"
            " save `classes`"
        )
        return Coding(tuple(texts))
    if distinct.dtype.kind == "U":
        what = f"{len(distinct)} classes ({shortened(texts)}), but the outputs have {k} columns"
    else:
        what = f"must lie in 0..{k - 1}, got {distinct.min()}..{distinct.max()}"
    problems.add("labels", f"{what}; save `classes`, the class of each column in its order")
    return None


def _of_two(
    distinct: NDArray[Any],
    texts: list[str],
    positive: str | None,
    problems: Problems,
    notes: list[str],
) -> Coding | None:
    """Return the classes of a single column of outputs."""
    if len(texts) > 2:
        problems.add(
            "labels",
            f"{len(texts)} classes ({shortened(texts)}), but there must be at least 2 classes in the"
            " outputs, where one column is about one of two classes: save a column for each class",
        )
        return None
    is_numbers = distinct.dtype.kind != "U" and set(distinct.tolist()) <= {0, 1}
    if is_numbers:
        texts = ["False", "True"] if distinct.dtype.kind == "b" else ["0", "1"]
    if len(texts) < 2:
        problems.add("labels", f"only one class ({shortened(texts)}); save records of both classes")
        return None
    if positive is not None and positive not in texts:
        problems.add("positive", f"{positive!r} is no class (allowed: {', '.join(texts)})")
        return None
    if positive is None and not is_numbers:
        notes.append(
            f"the single column of outputs is taken to be about class {texts[1]!r}, the second of"
            f" {shortened(texts)}; name another one with --positive (in Python, positive=...)"
        )
    first = positive == texts[0]
    return Coding(() if is_numbers else tuple(texts), positive_first=first)


def _of_named(
    texts: list[str], named: Classes, n_columns: int, positive: str | None, problems: Problems
) -> Coding | None:
    k = max(n_columns, 2)
    if len(named) != k or len(set(named)) != k:
        problems.add(
            "classes", f"has {len(named)} classes ({shortened(named)}), expected {k} distinct ones"
        )
        return None
    if unknown := [text for text in texts if text not in named]:
        problems.add(
            "labels",
            f"{shortened(unknown)} is none of the classes of the outputs: {shortened(named)}",
        )
        return None
    if positive is not None and positive not in named:
        problems.add("positive", f"{positive!r} is no class (allowed: {', '.join(named)})")
        return None
    in_order = named == tuple(map(str, range(k)))
    return Coding(() if in_order else named, positive_first=positive == named[0])


def coded(labels: NDArray[Any], coding: Coding) -> NDArray[np.int64]:
    """Return the column (records,) of each label."""
    if not coding.columns:
        return labels.astype(np.int64)
    position = {name: column for column, name in enumerate(coding.columns)}
    distinct, index = np.unique(labels, return_inverse=True)
    columns = [position[text_of(value)] for value in distinct.tolist()]
    return np.array(columns, dtype=np.int64)[index]
