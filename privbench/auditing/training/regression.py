"""Regression: targets as numbers, and what a model predicts for each record.

It has the methods that `Classification` has, so that training and storing are the same for both.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.training.classification import (
    MAX_CLASSES,
    Answer,
    flat,
    numbers,
)
from privbench.auditing.training.modules import ask_module
from privbench.errors import DataError

PREDICTED = "a number for each record"


def are_targets(y: Any) -> bool:
    """Return whether labels are taken for targets: very many numbers, or many with fractions."""
    values = flat(y, "y")
    if values.dtype.kind not in "iuf":
        return False
    distinct = np.unique(values[np.isfinite(values)])
    has_fractions = distinct.dtype.kind == "f" and bool((distinct % 1 != 0).any())
    return len(distinct) > MAX_CLASSES or (has_fractions and len(distinct) > 20)


@dataclass(frozen=True)
class Regression:
    """Labels that are numbers.

    Attributes:
        codes: float64 (records,), the targets.
        original: the targets as they were given.
    """

    codes: NDArray[np.float64]
    original: Any
    label = "targets"

    @classmethod
    def of(cls, y: Any, name: str = "y") -> Regression:
        """Read targets in any container.

        Raises:
            DataError: they are no finite numbers, or all the same.
        """
        values = flat(y, name)
        if values.dtype.kind not in "biuf":
            raise DataError(f"{name} has values of type {values.dtype}; targets are numbers")
        if bad := int((~np.isfinite(values)).sum()):
            raise DataError(f"{name}: {bad} targets are missing or infinite; drop these records")
        if len(values) and (values == values[0]).all():
            raise DataError(f"{name}: all targets are the same")
        return cls(values.astype(np.float64), y)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of classes, of which there are none."""
        return ()

    def codes_of(self, y: Any, name: str) -> NDArray[np.float64]:
        """Return the targets of other records."""
        return Regression.of(y, name).codes

    def labels(self, codes: NDArray[np.float64]) -> Any:
        """Return the targets in the container in which they were given; there are no other ones."""
        return self.original

    def ask(self, model: Any, x: Any) -> Answer:
        """Return what a model predicts for records.

        It may be a torch module, an object with ``predict``, or a function from records to numbers.

        Raises:
            DataError: it is none of these, or returns no finite number for each record.
        """
        torch = sys.modules.get("torch")
        if model is None:
            raise DataError("train returned None; is a `return` missing?")
        what = type(model).__name__
        n = x.shape[0] if hasattr(x, "shape") else len(x)
        if torch is not None and isinstance(model, torch.nn.Module):
            what, values = "the module", ask_module(model, x)
        elif hasattr(model, "predict"):
            what, values = (
                f"{what}.predict",
                numbers(model.predict(x), f"{what}.predict", PREDICTED),
            )
        elif callable(model):
            what = f"the function {getattr(model, '__name__', what)}"
            values = numbers(model(x), what, PREDICTED)
        else:
            raise DataError(
                f"the model is of type {what} (allowed: a torch module, an estimator with predict, or a"
                " function from records to numbers)"
            )
        if values.shape not in ((n,), (n, 1)):
            raise DataError(
                f"{what} returned the shape {values.shape} for {n} records, expected {(n,)}: a number"
                " for each"
            )
        if bad := int((~np.isfinite(values)).sum()):
            raise DataError(f"{what} returned {bad} values that are NaN or infinite")
        return Answer("predictions", values.reshape(n))

    def arrays(
        self, on_records: Sequence[Answer], on_reference: Sequence[Answer]
    ) -> dict[str, NDArray[Any]]:
        """Return the answers of several models as the arrays of `Predictions.of`."""
        return {
            "predictions": np.stack([answer.values for answer in on_records]),
            "reference_predictions": np.stack([answer.values for answer in on_reference]),
        }
