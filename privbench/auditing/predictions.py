"""Predictions: outputs of models on records, and which records each model was trained on.

The arrays, by name:

    logits or probs     (models, records, classes), or (records, classes) for one model, or a single
                        column of a model of two classes
    labels              (records,), positions of classes, or the classes themselves
    member              whether the model was trained on the record: the leading shape of logits
    reference_logits    (models, references, classes), optional; or reference_probs: outputs on
                        records of the same distribution that no model was trained on
    reference_labels    (references,), with reference_logits or reference_probs
    record_ids          (records,), optional: distinct integers or strings that identify the records
    classes             (classes,), optional: the class of each column of the outputs
    positive            optional: the class that a single column of outputs is about

Models of other tasks than classification have other arrays: see `tasks`.

Further arrays (records,) are kept if they are asked for by name: the columns of slices. `canonical` says
which forms these arrays may have, and `read_predictions` where they may come from.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Task
from privbench.auditing.canonical import Arrays, canonical, plain
from privbench.auditing.problems import Problems
from privbench.auditing.queried import Queried
from privbench.auditing.rounding import Rounding
from privbench.auditing.tasks import ARRAYS as OF_REGRESSION
from privbench.auditing.tasks import listing, read_task, task_of
from privbench.components.messages import closest
from privbench.data import read_only
from privbench.errors import DataError
from privbench.metrics.groups import Groups, named

ARRAYS = (
    "logits",
    "probs",
    "labels",
    "member",
    "reference_logits",
    "reference_probs",
    "reference_labels",
    "record_ids",
    "classes",
    "positive",
    *OF_REGRESSION,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Predictions:
    """Outputs of models on records, and on reference records if there are any."""

    log_probs: NDArray[np.float32]
    """Log-probabilities (models, records, classes); of several labels (models, records, labels, 2)."""
    labels: NDArray[Any]
    """Labels (records,); of several labels (records, labels); of regression the targets, float64."""
    member: NDArray[np.bool_]
    """Membership (models, records)."""
    reference_log_probs: NDArray[np.float32]
    """Log-probabilities (models, references, classes)."""
    reference_labels: NDArray[Any]
    """Labels (references,)."""
    record_ids: NDArray[np.str_] | None = None
    """Distinct texts (records,) that identify the records."""
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Further arrays (records,) of numbers or texts, by which a report groups records."""
    classes: tuple[str, ...] = ()
    """The name of each class; empty if it is its number."""
    notes: tuple[str, ...] = ()
    """What was taken for what when they were read, where there was a choice."""
    rounding: Rounding | None = None
    """How coarsely the outputs were saved; None if they were not rounded."""
    n_holdout: int = 0
    """The last so many records came from a holdout."""
    task: Task = "classification"
    """What the models do."""
    values: NDArray[np.float64] | None = None
    """Predictions (models, records) of regression, which has no ``log_probs``."""
    reference_values: NDArray[np.float64] | None = None
    """Predictions (models, references) of regression."""
    groups: Groups | None = None
    """Groups of records whose membership is one question, such as all records of a person."""
    queried: Queried | None = None
    """What the models answered to queries of an attack, where they were asked."""

    def __post_init__(self) -> None:
        """Make the arrays read-only, since all attacks share them."""
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray):
                object.__setattr__(self, name, read_only(array))

    @classmethod
    def of(
        cls,
        arrays: Mapping[str, Any],
        where: str = "predictions",
        columns: Sequence[str] = (),
        *,
        problems: Problems | None = None,
        notes: Sequence[str] = (),
    ) -> Predictions:
        """Check arrays with the names of a file, and return them as predictions.

        Args:
            arrays: the arrays by name, as `canonical` takes them.
            where: what messages call them.
            columns: the names of further arrays to keep.
            problems: what was wrong when they were read; replaces ``where``.
            notes: what was taken for what when they were read.

        Raises:
            DataError: the message begins with ``where``, and names everything that is wrong.
        """
        problems = problems or Problems(where)
        _report_unknown(arrays, problems.where, columns)
        arrays = {name: array for name, array in arrays.items() if name in (*ARRAYS, *columns)}
        if task_of(arrays) != "classification":
            for name in columns:
                if name not in arrays:
                    problems.found.append(f"there is no array {name!r}{listing(arrays)}")
                    problems.blamed.add(name)
            others, fields = read_task(plain(arrays, problems), problems.where)
            read = cls.of(others, columns=columns, problems=problems, notes=notes)
            return replace(read, rounding=None, **fields)
        done = canonical(arrays, problems, notes)
        found = done.arrays
        if not {"logits", "probs"} & {*arrays, *problems.blamed}:
            there = ", ".join(arrays) or "none"
            problems.found.append(f"neither 'logits' nor 'probs' is there (there are: {there})")
        is_known = "labels" in found and "labels" not in problems.blamed
        n = len(found["labels"]) if is_known and found["labels"].ndim else None
        further = {name: _column(found, name, n, problems) for name in columns}
        problems.check()
        log_probs = _log_probs(found, "")
        empty = np.zeros((len(log_probs), 0, log_probs.shape[2]), np.float32)
        has_reference = "reference_labels" in found
        return cls(
            log_probs,
            found["labels"],
            found["member"],
            _log_probs(found, "reference_") if has_reference else empty,
            found["reference_labels"] if has_reference else np.zeros(0, np.int64),
            found["record_ids"].astype(np.str_) if "record_ids" in found else None,
            further,
            done.classes,
            done.notes,
            done.rounding,
        )

    def __len__(self) -> int:
        return len(self.member)

    def grouped(self, groups: Groups, where: str) -> Predictions:
        """Return the predictions with groups of records.

        Raises:
            DataError: a group has members and non-members; the message begins with ``where``.
        """
        if mixed := groups.mixed(self.member):
            raise DataError(
                f"{where}: membership must be the same for all records of a group; it is not for"
                f" {named(mixed)}"
            )
        return replace(self, groups=groups)

    @property
    def n_classes(self) -> int:
        """Number of classes, or of labels; of regression 0."""
        return int(self.log_probs.shape[2])

    def class_name(self, label: int) -> str:
        """Return the name of a class."""
        return self.classes[label] if self.classes else str(label)

    def check_shadow(self, shadow: Predictions) -> None:
        """Raise DataError if shadow predictions are of another task, or about other classes."""
        if shadow.task != self.task:
            raise DataError(f"shadow has predictions of {shadow.task}, but target of {self.task}")
        if shadow.n_classes != self.n_classes:
            raise DataError(
                f"shadow has {shadow.n_classes} classes, but target has {self.n_classes}"
            )
        if self.classes and shadow.classes and self.classes != shadow.classes:
            raise DataError(
                f"shadow: the columns of outputs are about the classes {', '.join(shadow.classes)}, but"
                f" those of the target about {', '.join(self.classes)}; save both in one order"
            )

    def same_records(self, shadow: Predictions) -> bool:
        """Whether the shadow predictions are on the same records in the same order.

        How this is decided:
            1. by ``record_ids``, if both have them;
            2. else by whether the labels are the same.

        Raises:
            DataError: the same record_ids come with different labels.
        """
        if self.record_ids is None or shadow.record_ids is None:
            return _same_labels(
                self.labels, shadow.labels, "records", "; save record_ids to make sure"
            )
        if np.array_equal(self.record_ids, shadow.record_ids):
            if not np.array_equal(self.labels, shadow.labels):
                raise DataError(
                    "shadow: the record_ids are those of the target, but the labels are different"
                )
            return True
        if np.array_equal(np.sort(self.record_ids), np.sort(shadow.record_ids)):
            log.warning(
                "shadow: the record_ids are those of the target in another order;"
                " the records are taken to be different ones"
            )
        return False

    def same_reference(self, shadow: Predictions) -> bool:
        """Whether the reference records are the same, as far as labels can tell."""
        return _same_labels(self.reference_labels, shadow.reference_labels, "reference records", "")


def _same_labels(
    target: NDArray[np.int64], shadow: NDArray[np.int64], what: str, hint: str
) -> bool:
    is_same = np.array_equal(target, shadow)
    if is_same and len(target) and (np.diff(target, axis=0) >= 0).all():
        log.warning(
            "target and shadow have the same labels in sorted order, which different %s could have"
            " as well; they are taken to be the same%s", what, hint,
        )  # fmt: skip
    return is_same


def _report_unknown(arrays: Mapping[str, Any], where: str, columns: Sequence[str]) -> None:
    for name in arrays:
        if name not in ARRAYS and name not in columns:
            log.warning("%s: unknown array %r is ignored%s", where, name, closest(name, ARRAYS))


def _column(arrays: Arrays, name: str, n: int | None, problems: Problems) -> NDArray[Any]:
    """Return a further array (n,) of numbers, texts or truth values."""
    if name not in arrays:
        if name not in problems.blamed:
            there = ", ".join(arrays)
            problems.found.append(f"there is no array {name!r} to slice by (there are: {there})")
        return np.zeros(0)
    if n is not None and arrays[name].shape != (n,):
        problems.add(name, f"has shape {arrays[name].shape}, expected ({n},)")
    return arrays[name].copy()  # the caller's own array stays writable


def _log_probs(arrays: Arrays, prefix: str) -> NDArray[np.float32]:
    """Return log-probabilities (models, records, classes) of the logits or probabilities."""
    if f"{prefix}logits" in arrays:
        return np.stack([_log_softmax(of_model) for of_model in arrays[f"{prefix}logits"]])
    return np.stack([_logarithms(of_model) for of_model in arrays[f"{prefix}probs"]])


def _logarithms(probs: NDArray[Any]) -> NDArray[np.float32]:
    """Return the logarithms of probabilities (records, classes)."""
    sums = probs.sum(axis=-1, keepdims=True, dtype=np.float64)
    with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
        log_probs: NDArray[np.float64] = np.log(probs / sums)
    return log_probs.astype(np.float32)


def _log_softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return the log-probabilities of logits (records, classes), computed in float64."""
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_probs.astype(np.float32)
