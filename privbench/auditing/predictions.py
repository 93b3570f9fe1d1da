"""The file format of an audit: outputs of models, and which records each was trained on.

An .npz or .safetensors file with these arrays:

    logits or probs     (models, records, classes), or (records, classes) for one model
    labels              (records,), integers 0..classes-1
    member              bool, the leading shape of logits: whether the model was trained on the record
    reference_logits    (models, references, classes), optional; or reference_probs: outputs on
                        records of the same distribution that no model was trained on
    reference_labels    (references,), with reference_logits or reference_probs
    record_ids          (records,), optional: distinct integers or strings that identify the records

Models of other tasks than classification have other arrays: see `tasks`.

Further arrays (records,) are read if they are asked for by name: the columns of slices.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Task
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
    *OF_REGRESSION,
)
SUM_TOLERANCE = 1e-3

log = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]


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
    task: Task = "classification"
    """What the models do."""
    values: NDArray[np.float64] | None = None
    """Predictions (models, records) of regression, which has no ``log_probs``."""
    reference_values: NDArray[np.float64] | None = None
    """Predictions (models, references) of regression."""
    groups: Groups | None = None
    """Groups of records whose membership is one question, such as all records of a person."""

    def __post_init__(self) -> None:
        """Make the arrays read-only, since all attacks share them."""
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray):
                object.__setattr__(self, name, read_only(array))

    @classmethod
    def of(
        cls, arrays: Arrays, where: str = "predictions", columns: Sequence[str] = ()
    ) -> Predictions:
        """Check arrays with the names and shapes of a file, and return them as predictions.

        Args:
            arrays: the arrays by name.
            where: what messages call them.
            columns: the names of further arrays to keep.

        Raises:
            DataError: the message begins with ``where`` and names the array.
        """
        if task_of(arrays) != "classification":
            if missing := [name for name in columns if name not in arrays]:
                raise DataError(f"{where}: there is no array {missing[0]!r}{listing(arrays)}")
            others, fields = read_task(arrays, where)
            return replace(cls.of(others, where, columns), **fields)
        reader = _Reader(arrays, where, columns)
        log_probs = reader.log_probs("logits", "probs")
        if log_probs is None:
            raise DataError(f"{where}: neither 'logits' nor 'probs' is there{reader.listing()}")
        n_models, n, k = log_probs.shape
        if k < 2:
            raise DataError(f"{where}: there must be at least 2 classes, got {k}")
        labels = reader.labels("labels", n, k)
        member = reader.member(n_models, n)
        ids = reader.ids("record_ids", n)
        further = {name: reader.column(name, n) for name in columns}
        reference = reader.log_probs("reference_logits", "reference_probs")
        if reference is None:
            if "reference_labels" in arrays:
                raise DataError(f"{where}: there are reference_labels but no reference_logits")
            empty = np.zeros((n_models, 0, k), np.float32)
            return cls(log_probs, labels, member, empty, np.zeros(0, np.int64), ids, further)
        if (reference.shape[0], reference.shape[2]) != (n_models, k):
            raise DataError(
                f"{where}: the reference outputs have shape {reference.shape}, expected"
                f" ({n_models} models, references, {k} classes)"
            )
        reference_labels = reader.labels("reference_labels", reference.shape[1], k)
        return cls(log_probs, labels, member, reference, reference_labels, ids, further)

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


def read_predictions(path: str | Path, columns: Sequence[str] = ()) -> Predictions:
    """Read and check a file; nothing is ever unpickled.

    Args:
        path: the file.
        columns: the names of further arrays to keep.

    Raises:
        DataError: the file cannot be read, or an array is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.suffix == ".npz":
        return Predictions.of(_read_npz(path), str(path), columns)
    if path.suffix == ".safetensors":
        return Predictions.of(_read_safetensors(path), str(path), columns)
    raise DataError(f"{path}: unknown format {path.suffix!r} (allowed: .npz, .safetensors)")


def _read_npz(path: Path) -> Arrays:
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise DataError(f"{path}: is one array; save several with np.savez")
        with file:
            return {name: _member_of(file, name, path) for name in file.files}
    except (BadZipFile, EOFError, OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable .npz file: {error}") from None


def _member_of(file: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[name]
    except ValueError as error:
        raise DataError(f"{path}: {name} cannot be read: {error}") from None
    return array


def _read_safetensors(path: Path) -> Arrays:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays: Arrays = load_file(path)
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a readable .safetensors file: {error}") from None
    return arrays


@dataclass(frozen=True)
class _Reader:
    """Checks arrays one by one; errors name the array and what is expected."""

    arrays: Arrays
    where: str
    columns: Sequence[str]

    def __post_init__(self) -> None:
        for name in self.arrays:
            if name not in ARRAYS and name not in self.columns:
                log.warning(
                    "%s: unknown array %r is ignored%s", self.where, name, closest(name, ARRAYS)
                )

    def listing(self) -> str:
        """Return the names of the arrays, for an error message."""
        return f" (there are: {', '.join(self.arrays) or 'none'})"

    def log_probs(self, logits: str, probs: str) -> NDArray[np.float32] | None:
        """Return log-probabilities (models, records, classes); None if neither array is there."""
        if logits in self.arrays and probs in self.arrays:
            raise DataError(
                f"{self.where}: {logits} and {probs} are both given; give only one of them"
            )
        name = logits if logits in self.arrays else probs
        if name not in self.arrays:
            return None
        values = self._numbers(name)
        log_probs = _log_softmax(values) if name == logits else self._logarithms(name, values)
        return log_probs[None] if log_probs.ndim == 2 else log_probs

    def labels(self, name: str, n: int, n_classes: int) -> NDArray[np.int64]:
        """Return labels (n,) in 0..n_classes-1."""
        values = self._get(name)
        if values.dtype.kind not in "iu":
            raise DataError(f"{self.where}: {name} must be integers, got {values.dtype}")
        self._expect(name, values, (n,))
        if n and not 0 <= int(values.min()) <= int(values.max()) < n_classes:
            raise DataError(
                f"{self.where}: {name} must lie in 0..{n_classes - 1},"
                f" got {int(values.min())}..{int(values.max())}"
            )
        return values.astype(np.int64)

    def ids(self, name: str, n: int) -> NDArray[np.str_] | None:
        """Return distinct identifiers (n,) as text; None if the array is not there."""
        if name not in self.arrays:
            return None
        values = self.arrays[name]
        if values.dtype.kind not in "iuU":
            raise DataError(f"{self.where}: {name} must be integers or strings, got {values.dtype}")
        self._expect(name, values, (n,))
        if repeated := n - len(np.unique(values)):
            raise DataError(f"{self.where}: {name} must be distinct, but {repeated} are repeated")
        return values.astype(np.str_)

    def column(self, name: str, n: int) -> NDArray[Any]:
        """Return a further array (n,) of numbers, texts or truth values."""
        if name not in self.arrays:
            raise DataError(f"{self.where}: there is no array {name!r}{self.listing()}")
        values = self.arrays[name]
        if values.dtype.kind not in "biufU":
            raise DataError(
                f"{self.where}: {name} must be numbers, strings or bool, got {values.dtype}"
            )
        self._expect(name, values, (n,))
        return values.copy()  # the caller's own array stays writable

    def member(self, n_models: int, n: int) -> NDArray[np.bool_]:
        """Return membership (models, n), which must have both members and non-members."""
        values = self._get("member")
        if values.dtype != np.bool_:
            raise DataError(f"{self.where}: member must be bool, got {values.dtype}")
        if n_models == 1 and values.ndim == 1:
            values = values[None]
        self._expect("member", values, (n_models, n))
        if values.all() or not values.any():
            kind = "a member" if values.any() else "a non-member"
            raise DataError(f"{self.where}: member: every record is {kind}; an audit needs both")
        return values.copy()  # the caller's own array stays writable

    def _get(self, name: str) -> NDArray[Any]:
        if name not in self.arrays:
            raise DataError(f"{self.where}: {name} is missing{self.listing()}")
        return self.arrays[name]

    def _numbers(self, name: str) -> NDArray[Any]:
        """Return an array of finite numbers with two or three axes."""
        values = self.arrays[name]
        if values.dtype.kind not in "fiu":
            raise DataError(f"{self.where}: {name} must be numbers, got {values.dtype}")
        if values.ndim not in (2, 3) or 0 in values.shape:
            raise DataError(
                f"{self.where}: {name} has shape {values.shape},"
                " expected (models, records, classes) or (records, classes)"
            )
        if bad := int((~np.isfinite(values)).sum()):
            raise DataError(f"{self.where}: {name}: {bad} values are NaN or infinite")
        return values

    def _logarithms(self, name: str, probs: NDArray[Any]) -> NDArray[np.float32]:
        if (probs < 0).any():
            raise DataError(f"{self.where}: {name} has negative values, down to {probs.min():g}")
        sums = probs.sum(axis=-1, keepdims=True, dtype=np.float64)
        if (worst := float(np.abs(sums - 1).max())) > SUM_TOLERANCE:
            raise DataError(
                f"{self.where}: {name} must sum to one over classes, but are off by up to {worst:.3g};"
                " save raw outputs as 'logits'"
            )
        with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
            log_probs: NDArray[np.float64] = np.log(probs / sums)
        return log_probs.astype(np.float32)

    def _expect(self, name: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
        if values.shape != shape:
            raise DataError(f"{self.where}: {name} has shape {values.shape}, expected {shape}")


def _log_softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return the log-probabilities of logits, in float64 and therefore one model at a time."""
    if logits.ndim == 3:
        return np.stack([_log_softmax(of_model) for of_model in logits])
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_probs.astype(np.float32)
