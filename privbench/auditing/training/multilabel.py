"""Several labels for each record, each 0 or 1, and what a model answers as a probability of each.

It has the methods that `Classification` has, so that training and storing are the same for both.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.records import is_tensor
from privbench.auditing.training.classification import Answer, Kind, numbers
from privbench.auditing.training.modules import ask_module
from privbench.errors import DataError

PROBABILITIES = "probabilities (records, labels)"


def has_several(y: Any) -> bool:
    """Return whether labels have several columns."""
    shape = getattr(y, "shape", None)
    if shape is not None:
        return len(shape) == 2 and shape[1] > 1
    return isinstance(y, list | tuple) and len(y) > 0 and np.size(y[0]) > 1


@dataclass(frozen=True)
class Multilabel:
    """Labels (records, labels) of which several may be 1.

    Attributes:
        codes: int64 (records, labels), 0 or 1.
        original: the labels as they were given.
    """

    codes: NDArray[np.int64]
    original: Any
    label = "labels"

    @classmethod
    def of(cls, y: Any, name: str = "y") -> Multilabel:
        """Read labels in any container of two dimensions.

        Raises:
            DataError: they are not 0 or 1, or each record has exactly one.
        """
        codes = _codes(y, name)
        for column in range(codes.shape[1]):
            if (codes[:, column] == codes[0, column]).all():
                raise DataError(
                    f"{name}: label {column} is {codes[0, column]} for all records; leave it out"
                )
        if (codes.sum(axis=1) == 1).all():
            raise DataError(
                f"{name} has a single 1 in each row: this is one label of {codes.shape[1]} classes; give"
                f" {name}.argmax(axis=1)"
            )
        return cls(codes, y)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of classes, of which there are none."""
        return ()

    def codes_of(self, y: Any, name: str) -> NDArray[np.int64]:
        """Return the labels of other records."""
        codes = _codes(y, name)
        if codes.shape[1] != self.codes.shape[1]:
            raise DataError(f"{name} has {codes.shape[1]} labels, but y has {self.codes.shape[1]}")
        return codes

    def labels(self, codes: NDArray[np.int64]) -> Any:
        """Return all labels in the container in which they were given, with other values.

        Args:
            codes: int64 (records, labels).
        """
        y, values = self.original, codes.copy()  # `train` may change what it gets
        if np.array_equal(codes, self.codes):
            return y
        if hasattr(y, "iloc"):
            return type(y)(values, index=y.index, columns=y.columns).astype(y.dtypes)
        if is_tensor(y):
            import torch

            return torch.as_tensor(values, dtype=y.dtype, device=y.device)
        return values.tolist() if isinstance(y, list | tuple) else values.astype(y.dtype)

    def ask(self, model: Any, x: Any) -> Answer:
        """Return what a model answers to records.

        What a model may be:
            1. a torch module, which returns a logit or a probability for each label;
            2. an object with ``predict_proba`` that returns probabilities (records, labels), or, as
               forests of scikit-learn do, a list of probabilities (records, 2) for each label;
            3. a function that returns either.

        Raises:
            DataError: it is none of these, or its answers are no probabilities.
        """
        torch = sys.modules.get("torch")
        what = type(model).__name__
        if torch is not None and isinstance(model, torch.nn.Module):
            return self._checked(ask_module(model, x), x, "the module", may_be_logits=True)
        if hasattr(model, "predict_proba"):
            what = f"{what}.predict_proba"
            returned, classes = model.predict_proba(x), getattr(model, "classes_", None)
        elif model is None:
            raise DataError("train returned None; is a `return` missing?")
        elif callable(model):
            what = f"the function {getattr(model, '__name__', what)}"
            returned, classes = model(x), None
        else:
            raise DataError(
                f"the model is of type {what} (allowed: a torch module, an estimator with predict_proba,"
                f" or a function from records to {PROBABILITIES})"
            )
        if isinstance(returned, list) and len(returned) and np.ndim(returned[0]) == 2:
            returned = _of_ones(returned, classes)
        return self._checked(numbers(returned, what, PROBABILITIES), x, what)

    def arrays(
        self, on_records: Sequence[Answer], on_reference: Sequence[Answer]
    ) -> dict[str, NDArray[Any]]:
        """Return the answers of several models as the arrays of `Predictions.of`."""
        kinds = {answer.kind for answer in on_records}
        kind: Kind = "logits" if kinds == {"logits"} else "probs"
        return {
            kind: np.stack([_as_kind(answer, kind) for answer in on_records]),
            f"reference_{kind}": np.stack([_as_kind(answer, kind) for answer in on_reference]),
        }

    def _checked(
        self, values: NDArray[Any], x: Any, what: str, may_be_logits: bool = False
    ) -> Answer:
        n = x.shape[0] if hasattr(x, "shape") else len(x)
        expected = (n, self.codes.shape[1])
        if values.shape != expected:
            raise DataError(
                f"{what} returned the shape {values.shape} for {n} records of {expected[1]} labels,"
                f" expected {expected}: the probability of 1 for each label"
            )
        if bad := int((~np.isfinite(values)).sum()):
            raise DataError(f"{what} returned {bad} values that are NaN or infinite")
        if ((values >= 0) & (values <= 1)).all():
            return Answer("probs", values.astype(np.float32))
        if may_be_logits:
            return Answer("logits", values.astype(np.float32))
        raise DataError(
            f"{what} returned values from {values.min():.4g} to {values.max():.4g}; it must return"
            f" {PROBABILITIES}"
        )


def _codes(y: Any, name: str) -> NDArray[np.int64]:
    """Return labels as an array (records, labels)."""
    try:
        values = y.detach().cpu().numpy() if is_tensor(y) else np.asarray(y)
    except ValueError:  # rows of different lengths
        raise DataError(f"{name} has rows of different lengths") from None
    if values.ndim != 2 or values.shape[1] < 2:
        raise DataError(
            f"{name} has the shape {values.shape}, expected (records, labels) with several labels"
        )
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise DataError(f"{name} has several columns, whose values must all be 0 or 1, or bool")
    return values.astype(np.int64)


def _of_ones(columns: Sequence[Any], classes: Any) -> NDArray[np.float64]:
    """Return the probability of 1 (records, labels), given those (records, classes) for each label.

    Args:
        columns: for each label the probabilities of its classes.
        classes: for each label its classes, of which one may be missing in the training records.
    """
    if classes is None or len(classes) != len(columns):
        classes = [np.arange(np.shape(one)[1]) for one in columns]
    of_ones = []
    for probs, known in zip(columns, classes, strict=True):
        probs, known = np.asarray(probs, dtype=np.float64), np.asarray(known)
        is_one = known == 1
        of_ones.append(probs[:, is_one].sum(axis=1))
    return np.stack(of_ones, axis=1)


def _as_kind(answer: Answer, kind: Kind) -> NDArray[np.floating]:
    if answer.kind == kind:
        return answer.values
    probs: NDArray[np.float64] = 1 / (1 + np.exp(-answer.values.astype(np.float64)))
    return probs
