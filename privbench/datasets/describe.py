"""What a dataset holds, in one line, for a person to compare with what the file should hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from privbench.data import Data, DataSpec


def describe(data: Data, classes: Iterable[object]) -> str:
    """Records, classes and features; ``classes`` are the names of the labels 0..k-1."""
    import numpy as np

    counts = np.bincount(data.y, minlength=data.spec.n_classes)
    named = [f"{name!s:.40}: {count}" for name, count in zip(classes, counts, strict=True)]
    return f"{counted(len(data), 'record')}; classes {listed(named)}; {_features(data.spec)}"


def listed(items: Sequence[str], shown: int = 10) -> str:
    """The first items with commas, and how many more there are."""
    more = f" and {len(items) - shown} more" if items[shown:] else ""
    return ", ".join(items[:shown]) + more


def counted(n: int, noun: str) -> str:
    """Such as "1 row" and "2 rows"."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _features(spec: DataSpec) -> str:
    if spec.kind == "image":
        return f"images {'x'.join(map(str, spec.shape))}"
    if spec.kind == "binary":
        return counted(spec.shape[0], "binary feature")
    numeric = [column for column in spec.columns if column.type == "numeric"]
    sizes = [f"{c.name}: {len(c.categories)}" for c in spec.columns if c.type == "categorical"]
    parts = [counted(len(numeric), "numeric column")] if numeric else []
    if sizes:
        parts.append(f"{counted(len(sizes), 'categorical column')} ({listed(sizes)})")
    return f"{counted(spec.shape[0], 'feature')} from {' and '.join(parts)}"
