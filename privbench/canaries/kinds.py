"""The kinds of canaries, and which records each of them can be made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from privbench.data import DataSpec

CanaryKind = Literal[
    "mislabel", "twin", "blank", "out-of-distribution", "permuted", "outlier", "inverted"
]
"""What a canary is.

- ``mislabel``: a record with a wrong label.
- ``twin``: a copy of a record that every model is trained on, with a wrong label.
- ``blank``: a record in which nothing varies, with a random label.
- ``out-of-distribution``: random features with a random label.
- ``permuted``: each feature is that of another record; the label is kept.
- ``outlier``: a record far from its nearest neighbours, unaltered.
- ``inverted``: a record with each feature inverted; the label is kept.
"""
CANARY_KINDS: tuple[CanaryKind, ...] = get_args(CanaryKind)


def obstacle(kind: CanaryKind, spec: DataSpec) -> str:
    """Return why records cannot be made canaries of a kind; empty if they can.

    >>> from privbench.data import DataSpec
    >>> obstacle("blank", DataSpec("image", (1, 8, 8), 10))
    ''
    """
    if kind == "blank" and spec.kind == "tabular" and not spec.numeric_features:
        return "blank canaries differ in the level of their numbers, and the table has none"
    if kind == "inverted" and spec.categorical_columns:
        return "inverted canaries: the categorical columns of a table have no inverse"
    return ""
