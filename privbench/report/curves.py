"""ROC curves of rows: stored beside the numbers of a row, and lines of the file of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from privbench.metrics.band import GRID
from privbench.metrics.pairs import Floats
from privbench.storage.artifacts import Store
from privbench.storage.results import Row

DIGITS = 4
"""Number of digits after the point in files."""


@dataclass(frozen=True)
class RocBand:
    """A ROC curve with its pointwise 95% band: TPR, lower and upper end (k,) at FPRs (k,)."""

    fpr: Floats
    tpr: Floats
    low: Floats
    high: Floats


class Curves(Protocol):
    """Knows the ROC curves of rows."""

    def __call__(self, row: Row) -> RocBand | None:
        """Return the curve of a row of one seed where it is resolved; None if it is not known."""


def no_curves(row: Row) -> RocBand | None:
    """Return None, for rows of which no curve is stored."""
    return None


def curves_stored_in(store: Store) -> Curves:
    """Return what reads the artifacts beside a results database."""

    def curve(row: Row) -> RocBand | None:
        artifact = None if row["metrics_key"] is None else store.load("metrics", row["metrics_key"])
        if artifact is None or "roc" not in artifact.arrays:
            return None
        return _band(artifact.arrays["roc"])

    return curve


def curve_lines(rows: Sequence[Row], curves: Curves) -> list[list[Any]]:
    """Return the lines of a file: the number of the row, from 0, then TPR, lower and upper ends.

    They are at the FPRs of `metrics.band.GRID`, null where one is not resolved.
    """
    lines: list[list[Any]] = []
    for position, row in enumerate(rows):
        band = curves(row)
        if band is not None:
            unresolved = [None] * (len(GRID) - len(band.fpr))
            ends = (band.tpr, band.low, band.high)
            lines.append([position, *([*unresolved, *_rounded(values)] for values in ends)])
    return lines


def curves_in(rows: Sequence[Row], lines: Sequence[Sequence[Any]]) -> Curves:
    """Return what answers as the lines of a file say, about the rows of the file.

    Raises:
        ValueError: a line is not of the form that `curve_lines` describes.
    """
    known: dict[str, RocBand] = {}
    for line in lines:
        position, *ends = line
        values = np.array(ends, dtype=np.float64)
        if values.shape != (3, len(GRID)):
            raise ValueError(
                f"curves: row {position}: shape {values.shape} (allowed: (3, {len(GRID)}))"
            )
        known[str(rows[position]["metrics_key"])] = _band(values)

    def curve(row: Row) -> RocBand | None:
        return known.get(str(row["metrics_key"]))

    return curve


def _band(values: Any) -> RocBand:
    tpr, low, high = (np.asarray(v, dtype=np.float64) for v in values)
    resolved = ~np.isnan(tpr)
    return RocBand(np.array(GRID)[resolved], tpr[resolved], low[resolved], high[resolved])


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), DIGITS) for value in values]
