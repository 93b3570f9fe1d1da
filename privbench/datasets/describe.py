"""One-line summaries of datasets, which let a user check that a file was read as intended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from privbench.data import Data, DataSpec


def describe(data: Data, classes: Iterable[object]) -> str:
    """Return the numbers of records, classes and features.

    ``classes`` are the names of the labels 0..k-1.
    """
    import numpy as np

    counts = np.bincount(data.y, minlength=data.spec.n_classes)
    named = [f"{name!s:.40}: {count}" for name, count in zip(classes, counts, strict=True)]
    return f"{counted(len(data), 'record')}; classes {shortened(named)}; {_features(data.spec)}"


def shortened(items: Sequence[str], shown: int = 10) -> str:
    """Join the first items with commas, and say how many more there are.

    >>> shortened(["a", "b", "c"], shown=2)
    'a, b and 1 more'
    """
    more = f" and {len(items) - shown} more" if items[shown:] else ""
    return ", ".join(items[:shown]) + more


def counted(n: int, noun: str) -> str:
    """Return a number and its noun in singular or plural.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _features(spec: DataSpec) -> str:
    if spec.kind == "image":
        return f"images {'x'.join(map(str, spec.shape))}"
    if spec.kind == "binary":
        return counted(spec.shape[0], "binary feature")
    categorical = spec.categorical_columns
    n_numeric = len(spec.columns) - len(categorical)
    parts = [counted(n_numeric, "numeric column")] if n_numeric else []
    if categorical:
        sizes = [f"{column.name}: {len(column.categories)}" for column in categorical]
        parts.append(f"{counted(len(sizes), 'categorical column')} ({shortened(sizes)})")
    return f"{counted(spec.shape[0], 'feature')} from {' and '.join(parts)}"
