"""Encode a table of the library ``datasets``: numbers, categories, or one column of images."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench import Column, Data, DataError, DataSpec

if TYPE_CHECKING:
    import datasets
    import pandas as pd

MAX_CATEGORIES = 100
"""A column of more different texts is taken for free text, unless it is named in ``categorical``."""
MISSING = "missing"
"""The category of a text that is missing."""


@dataclass(frozen=True)
class Sorted:
    """The columns of a table by what they become."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    images: tuple[str, ...]


def encoded(
    table: datasets.Dataset,
    where: str,
    *,
    label: str,
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    size: int | None = None,
) -> Data:
    """Return the records of a table.

    Raises:
        DataError: With all columns that cannot be features, or what is wrong with the labels.
    """
    _check_names(table, where, {"label": (label,), "categorical": categorical, "drop": drop})
    features = table.remove_columns([*drop, label])
    found = _sorted(features, where, categorical)
    y, n_classes = _labels(table, where, label)
    if not found.images:
        return _table_data(features, found, y, n_classes)
    if others := (*found.numbers, *found.categories, *found.images[1:]):
        raise DataError(
            f"{where}: column {found.images[0]!r} has images, and there are others beside it:"
            f" {', '.join(others)} (drop them: drop = {list(others)})"
        )
    return _image_data(features, where, found.images[0], y, n_classes, size)


def _check_names(table: datasets.Dataset, where: str, named: dict[str, Collection[str]]) -> None:
    for key, names in named.items():
        for name in names:
            if name not in table.column_names:
                close = difflib.get_close_matches(name, table.column_names, n=1)
                hint = f", did you mean {close[0]!r}?" if close else ""
                raise DataError(
                    f"{where}: {key}: no column {name!r}{hint} (there are:"
                    f" {', '.join(table.column_names)})"
                )


def _sorted(table: datasets.Dataset, where: str, categorical: Collection[str]) -> Sorted:
    """Sort columns by their types. Raises DataError that names all that are no features."""
    import datasets

    numbers: list[str] = []
    categories: list[str] = []
    images: list[str] = []
    problems: list[str] = []
    for name, feature in table.features.items():
        is_value = isinstance(feature, datasets.Value)
        dtype = feature.dtype if is_value else ""
        if isinstance(feature, datasets.Image):
            images.append(name)
        elif (
            isinstance(feature, datasets.ClassLabel)
            or dtype == "bool"
            or (is_value and name in categorical)
        ):
            categories.append(name)
        elif dtype.startswith(("int", "uint", "float", "decimal")):
            numbers.append(name)
        elif "string" in dtype:
            if (n := len(table.unique(name))) > MAX_CATEGORIES:
                problems.append(
                    f"{name!r} has {n} different texts, which is free text and no category"
                )
            else:
                categories.append(name)
        else:
            problems.append(f"{name!r} is of type {feature}")
    if problems:
        names = [problem.split("'")[1] for problem in problems]
        raise DataError(
            f"{where}: features are numbers, categories or images: {'; '.join(problems)} (leave out:"
            f" drop = {names}; texts as categories: categorical = [...])"
        )
    if not (numbers or categories or images):
        raise DataError(f"{where}: no columns are left as features")
    return Sorted(tuple(numbers), tuple(categories), tuple(images))


def _labels(table: datasets.Dataset, where: str, label: str) -> tuple[NDArray[np.int64], int]:
    """Return labels in 0..k-1: those of a ClassLabel as they are, others sorted."""
    import datasets

    feature, values = table.features[label], table[label][:]
    if missing := sum(value is None for value in values):
        raise DataError(f"{where}: label {label!r} is missing in {missing} records")
    if isinstance(feature, datasets.ClassLabel):
        y = np.asarray(values, np.int64)
        if (y < 0).any():
            raise DataError(
                f"{where}: label {label!r} is hidden (-1) in {int((y < 0).sum())} records; take another"
                " split"
            )
        classes = feature.num_classes
    else:
        dtype = getattr(feature, "dtype", str(feature))
        if not (dtype == "bool" or "string" in dtype or dtype.startswith(("int", "uint"))):
            raise DataError(
                f"{where}: label {label!r} is of type {feature} (allowed: ClassLabel, integers, texts,"
                " truth values)"
            )
        names, y = np.unique(np.asarray(values), return_inverse=True)
        y, classes = y.astype(np.int64), len(names)
    if classes < 2:
        raise DataError(f"{where}: label {label!r} has a single class")
    return y, classes


def _table_data(
    table: datasets.Dataset, found: Sorted, y: NDArray[np.int64], n_classes: int
) -> Data:
    """Return numeric columns as they are and categorical ones as one-hot, in the order of the table."""
    frame: pd.DataFrame = table.to_pandas()
    blocks: list[NDArray[np.float32]] = []
    columns: list[Column] = []
    first = 0
    for name in table.column_names:
        if name in found.numbers:
            block = frame[[name]].to_numpy(np.float64, na_value=np.nan).astype(np.float32)
            column = Column(name, "numeric", (first, first + 1))
        else:
            block, categories = _one_hot(list(_words(table, name)))
            column = Column(name, "categorical", (first, first + block.shape[1]), categories)
        blocks.append(block)
        columns.append(column)
        first += block.shape[1]
    x = np.concatenate(blocks, axis=1)
    spec = DataSpec(
        "tabular", (first,), n_classes, tuple(columns), has_gaps=bool(np.isnan(x).any())
    )
    return Data(x, y, spec)


def _words(table: datasets.Dataset, name: str) -> Iterator[str]:
    """Yield a column as texts: a ClassLabel by its names."""
    import datasets

    feature = table.features[name]
    for value in table[name][:]:
        if value is None or (isinstance(feature, datasets.ClassLabel) and value < 0):
            yield MISSING
        else:
            yield feature.int2str(value) if isinstance(feature, datasets.ClassLabel) else str(value)


def _one_hot(words: list[str]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    categories, codes = np.unique(np.array(words, dtype=object).astype(str), return_inverse=True)
    return np.eye(len(categories), dtype=np.float32)[codes], tuple(map(str, categories))


def _image_data(
    table: datasets.Dataset,
    where: str,
    name: str,
    y: NDArray[np.int64],
    n_classes: int,
    size: int | None,
) -> Data:
    """Return images (n, channels, height, width) in [0, 1], in grey if all of them are."""
    pictures = [row[name] for row in table]
    if missing := sum(picture is None for picture in pictures):
        raise DataError(f"{where}: column {name!r} has no image in {missing} records")
    mode = "L" if all(picture.mode in ("1", "L", "LA") for picture in pictures) else "RGB"
    pixels = [np.asarray(_resized(picture.convert(mode), size)) for picture in pictures]
    if len(sizes := {each.shape[:2] for each in pixels}) > 1:
        raise DataError(
            f"{where}: column {name!r} has images of {len(sizes)} sizes, such as"
            f" {' and '.join(f'{h}x{w}' for h, w in sorted(sizes)[:2])} (set size, such as size = 32)"
        )
    stacked = np.stack(pixels)
    stacked = stacked[:, None] if mode == "L" else stacked.transpose(0, 3, 1, 2)
    x = np.divide(stacked, 255, dtype=np.float32)
    return Data(x, y, DataSpec("image", x.shape[1:], n_classes))


def _resized(picture: Any, size: int | None) -> Any:
    from PIL import ImageOps

    return picture if size is None else ImageOps.fit(picture, (size, size))
