"""Classification: labels as classes, and what a model answers as probabilities of these.

A task has three methods: ``labels`` (codes to what `train` gets), ``ask`` (a trained model to an
`Answer`), and ``arrays`` (answers to the arrays of `Predictions.of`). Another task is another class.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.labels import text_of
from privbench.auditing.records import is_tensor
from privbench.auditing.training.modules import ask_module
from privbench.errors import DataError
from privbench.wording import shortened

MAX_CLASSES = 1000
"""More distinct labels than these are taken for a regression's."""
SUM_TOLERANCE = 1e-3
"""How far a row of probabilities may be off a sum of one."""
PROBABILITIES = "probabilities (records, classes), not predicted classes"
"""What a message says that a model must return."""

Kind = Literal["probs", "logits", "predictions"]


@dataclass(frozen=True)
class Answer:
    """What one model answers to some records."""

    kind: Kind
    values: NDArray[np.floating]
    """Probabilities or logits (records, classes), or predictions of numbers (records,)."""


@dataclass(frozen=True)
class Classification:
    """Labels that are classes.

    Attributes:
        classes: the distinct labels, sorted.
        codes: int64 (records,), the class of each record as an index of ``classes``.
        original: the labels as they were given.
    """

    classes: NDArray[Any]
    codes: NDArray[np.int64]
    original: Any
    label = "labels"

    @classmethod
    def of(cls, y: Any, name: str = "y") -> Classification:
        """Find the classes of labels: integers, texts or truth values, in any container.

        Raises:
            DataError: there are missing labels, or labels that are no classes.
        """
        import pandas as pd

        values = flat(y, name)
        if missing := int(pd.isna(values).sum()):
            raise DataError(f"{name}: {missing} labels are missing; drop these records")
        if values.dtype.kind == "O":
            values = np.array([str(one) for one in values]) if _are_texts(values) else values
        try:
            classes, codes = np.unique(values, return_inverse=True)
        except TypeError:
            kinds = sorted({type(one).__name__ for one in values})
            raise DataError(f"{name} mixes labels of the types {', '.join(kinds)}") from None
        if len(classes) < 2:
            raise DataError(f"{name}: all labels are the same; there must be at least 2 classes")
        if len(classes) > MAX_CLASSES or (
            classes.dtype.kind == "f" and (classes % 1 != 0).any() and len(classes) > 20
        ):
            raise DataError(
                f"{name} has {len(classes)} distinct values, as a regression has; classes are at most"
                f" {MAX_CLASSES} distinct integers or texts"
            )
        return cls(classes, codes.astype(np.int64), y)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as texts, in the order of their codes."""
        return tuple(text_of(value) for value in self.classes.tolist())

    def codes_of(self, y: Any, name: str) -> NDArray[np.int64]:
        """Return the classes of the labels of other records.

        Raises:
            DataError: a label is not one of the classes.
        """
        values = flat(y, name)
        if values.dtype.kind == "O" and self.classes.dtype.kind == "U":
            values = values.astype(str)
        index = self.index_of(values.tolist())
        if unknown := [one for one, code in zip(values.tolist(), index, strict=True) if code < 0]:
            raise DataError(f"{name}: the label {unknown[0]!r} is not in y ({self._listing()})")
        return np.array(index, dtype=np.int64)

    def index_of(self, values: Sequence[Any]) -> list[int]:
        """Return the index of each value among the classes, -1 where it is none of them."""
        known = {value: code for code, value in enumerate(self.classes.tolist())}
        return [known.get(value, -1) for value in values]

    def labels(self, codes: NDArray[np.int64]) -> Any:
        """Return all labels in the container in which they were given, with other classes.

        Args:
            codes: int64 (records,).
        """
        values, y = self.classes[codes], self.original
        if hasattr(y, "iloc"):
            made = y.copy()
            made.iloc[codes != self.codes] = values[codes != self.codes]
            return made
        if is_tensor(y):
            import torch

            return torch.as_tensor(values, dtype=y.dtype, device=y.device)
        return values.tolist() if isinstance(y, list | tuple) else values.astype(y.dtype)

    def ask(self, model: Any, x: Any) -> Answer:
        """Return what a model answers to records.

        What a model may be:
            1. a torch module, which returns logits or probabilities;
            2. an object with ``predict_proba``, whose columns are ordered by its ``classes_`` if it has
               any; a class that it has never seen gets the probability 0;
            3. a function that returns probabilities, in the order of the sorted labels.

        Raises:
            DataError: it is none of these, or its answers are no probabilities.
        """
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(model, torch.nn.Module):
            values = ask_module(model, x)
            return self._checked(values, len(values), "the module", may_be_logits=True)
        n = x.shape[0] if hasattr(x, "shape") else len(x)
        what = type(model).__name__
        if hasattr(model, "predict_proba"):
            columns = getattr(model, "classes_", None)
            values = numbers(model.predict_proba(x), f"{what}.predict_proba")
            return self._checked(
                self._ordered(values, columns, what), n, f"{what}.predict_proba", False
            )
        if hasattr(model, "predict") and not callable(model):
            raise DataError(
                f"the model is of type {what}, which has no predict_proba; a function from records to"
                " probabilities (records, classes) may stand in for it. For a regression:"
                " --task regression"
            )
        if model is None:
            raise DataError("train returned None; is a `return` missing?")
        if not callable(model):
            raise DataError(
                f"the model is of type {what} (allowed: a torch module, an estimator with predict_proba,"
                " or a function from records to probabilities)"
            )
        name = getattr(model, "__name__", what)
        return self._checked(numbers(model(x), name), n, f"the function {name}", False)

    def arrays(
        self, on_records: Sequence[Answer], on_reference: Sequence[Answer]
    ) -> dict[str, NDArray[Any]]:
        """Return the answers of several models as the arrays of `Predictions.of`.

        Args:
            on_records: the answer of each model to the records.
            on_reference: the answer of each model to the reference records.
        """
        kinds = {answer.kind for answer in on_records}
        kind: Kind = "logits" if kinds == {"logits"} else "probs"
        return {
            kind: np.stack([_as_kind(answer, kind) for answer in on_records]),
            f"reference_{kind}": np.stack([_as_kind(answer, kind) for answer in on_reference]),
        }

    def _ordered(self, values: NDArray[Any], columns: Any, what: str) -> NDArray[Any]:
        """Return probabilities with a column for each class, given the classes of their columns."""
        if columns is None or values.ndim != 2:
            return values
        names = np.asarray(columns).tolist()
        if len(names) != values.shape[1]:
            raise DataError(
                f"{what}.predict_proba returned {values.shape[1]} columns for {len(names)} classes_"
            )
        index = self.index_of(names)
        if -1 in index:
            raise DataError(
                f"{what} has the class {names[index.index(-1)]!r}, which is not in y"
                f" ({self._listing()}); if train codes the labels itself, return a function from records"
                " to probabilities, with a column for each label in sorted order"
            )
        ordered = np.zeros((len(values), len(self.classes)), values.dtype)
        ordered[:, index] = values
        return ordered

    def _checked(
        self, values: NDArray[Any], n: int, what: str, may_be_logits: bool = False
    ) -> Answer:
        """Return answers that have the right shape and are probabilities, or logits of a module."""
        k = len(self.classes)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.shape != (n, k) and not (k == 2 and values.shape == (n,)):
            raise DataError(
                f"{what} returned the shape {values.shape} for {n} records of {k} classes, expected"
                f" {(n, k)}"
            )
        if bad := int((~np.isfinite(values)).sum()):
            raise DataError(f"{what} returned {bad} values that are NaN or infinite")
        is_column, low, high = values.ndim == 1, float(values.min()), float(values.max())
        if is_column:
            is_probability = bool(((values >= 0) & (values <= 1)).all())
            first = 1 - values if is_probability else np.zeros_like(values)
            values = np.stack([first, values], axis=1)
        else:
            off = float(np.abs(values.sum(axis=1) - 1).max(initial=0))
            is_probability = bool((values >= 0).all()) and off <= SUM_TOLERANCE
        if is_probability:
            return Answer("probs", (values / values.sum(axis=1, keepdims=True)).astype(np.float32))
        if may_be_logits:
            return Answer("logits", values.astype(np.float32))
        if (values < 0).any() or is_column:
            problem = f"returned values from {low:.4g} to {high:.4g}"
        else:
            problem = f"returned rows that are off a sum of one by up to {off:.3g}"
        raise DataError(f"{what} {problem}; it must return probabilities")

    def _listing(self) -> str:
        return f"classes: {shortened(list(map(repr, self.classes.tolist())), 8)}"


def numbers(values: Any, what: str, expected: str = PROBABILITIES) -> NDArray[np.float64]:
    """Return what a model returned as an array of numbers."""
    if is_tensor(values):
        values = values.detach().double().cpu().numpy()
    if isinstance(values, list) and values and getattr(values[0], "ndim", 0) == 2:
        raise DataError(
            f"{what} returned {len(values)} arrays, as several outputs have; expected one"
        )
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"{what} returned values that are no numbers ({type(values).__name__}); it must return"
            f" {expected}"
        ) from None


def flat(y: Any, name: str) -> NDArray[Any]:
    """Return labels as an array (records,)."""
    try:
        values = y.detach().cpu().numpy() if is_tensor(y) else np.asarray(y)
    except ValueError:
        raise DataError(
            f"{name} has parts of different lengths; give one label for each record"
        ) from None
    if values.ndim == 2 and values.shape[1] == 1:
        raise DataError(
            f"{name} has the shape {values.shape}; give {(len(values),)}: {name}.ravel()"
        )
    if values.ndim != 1:
        raise DataError(
            f"{name} has the shape {values.shape}, expected (records,): a label for each record"
        )
    return values


def _are_texts(values: NDArray[Any]) -> bool:
    return all(isinstance(one, str) for one in values)


def _as_kind(answer: Answer, kind: Kind) -> NDArray[np.floating]:
    if answer.kind == kind:
        return answer.values
    logits = answer.values.astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probs
