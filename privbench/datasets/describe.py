"""One-line summaries of datasets, which let a user check that a file was read as intended."""

from __future__ import annotations

from collections.abc import Iterable

from privbench.data import Data, DataSpec
from privbench.wording import plural, shortened


def describe(data: Data, classes: Iterable[object]) -> str:
    """Return the numbers of records, classes and features.

    ``classes`` are the names of the labels 0..k-1.
    """
    import numpy as np

    counts = np.bincount(data.y, minlength=data.spec.n_classes)
    named = [f"{name!s:.40}: {count}" for name, count in zip(classes, counts, strict=True)]
    return f"{plural(len(data), 'record')}; classes {shortened(named)}; {_features(data.spec)}"


def _features(spec: DataSpec) -> str:
    if spec.kind == "image":
        return f"images {'x'.join(map(str, spec.shape))}"
    if spec.kind == "binary":
        return plural(spec.shape[0], "binary feature")
    categorical = spec.categorical_columns
    n_numeric = len(spec.columns) - len(categorical)
    parts = [plural(n_numeric, "numeric column")] if n_numeric else []
    if categorical:
        sizes = [f"{column.name}: {len(column.categories)}" for column in categorical]
        parts.append(f"{plural(len(sizes), 'categorical column')} ({shortened(sizes)})")
    return f"{plural(spec.shape[0], 'feature')} from {' and '.join(parts)}"
