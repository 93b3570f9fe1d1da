"""The file format of an audit: what models answered, and who was trained on what.

An .npz or .safetensors file with these arrays:

    logits or probs     (models, records, classes), or (records, classes) for one model
    labels              (records,), integers 0..classes-1
    member              bool, the leading shape of logits: was this model trained on this record
    reference_logits    (models, references, classes); or reference_probs. Optional: records of the
    reference_labels    same distribution that no model was trained on
    record_ids          (records,), integers or strings, distinct. Optional: which records these are
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from privbench.components.messages import closest
from privbench.data import read_only
from privbench.errors import DataError

ARRAYS = (
    "logits",
    "probs",
    "labels",
    "member",
    "reference_logits",
    "reference_probs",
    "reference_labels",
    "record_ids",
)
SUM_TOLERANCE = 1e-3

log = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Predictions:
    """What models answered about records, and about reference records (possibly none).

    ``log_probs`` float32 (models, records, classes), ``labels`` int64 (records,), ``member`` bool
    (models, records), ``reference_log_probs`` float32 (models, references, classes),
    ``reference_labels`` int64 (references,), ``record_ids`` text (records,) or None.
    """

    log_probs: NDArray[np.float32]
    labels: NDArray[np.int64]
    member: NDArray[np.bool_]
    reference_log_probs: NDArray[np.float32]
    reference_labels: NDArray[np.int64]
    record_ids: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        """Make the arrays read-only, since all attacks share them."""
        for name, array in vars(self).items():
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    @classmethod
    def of(cls, arrays: Arrays, where: str = "predictions") -> Predictions:
        """Check arrays as a file has them. Raises DataError naming ``where`` and the array."""
        reader = _Reader(arrays, where)
        log_probs = reader.answers("logits", "probs")
        if log_probs is None:
            raise DataError(f"{where}: neither 'logits' nor 'probs' is there{reader.there()}")
        n_models, n, k = log_probs.shape
        if k < 2:
            raise DataError(f"{where}: there must be at least 2 classes, got {k}")
        labels = reader.labels("labels", n, k)
        member = reader.member(n_models, n)
        ids = reader.ids("record_ids", n)
        reference = reader.answers("reference_logits", "reference_probs")
        if reference is None:
            if "reference_labels" in arrays:
                raise DataError(f"{where}: reference_labels are there without reference_logits")
            empty = np.zeros((n_models, 0, k), np.float32)
            return cls(log_probs, labels, member, empty, np.zeros(0, np.int64), ids)
        if (reference.shape[0], reference.shape[2]) != (n_models, k):
            raise DataError(
                f"{where}: the reference answers have shape {reference.shape}, expected"
                f" ({n_models} models, references, {k} classes)"
            )
        known = reader.labels("reference_labels", reference.shape[1], k)
        return cls(log_probs, labels, member, reference, known, ids)

    def __len__(self) -> int:
        return len(self.log_probs)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.log_probs.shape[2])

    def same_records(self, shadow: Predictions) -> bool:
        """Whether shadows answered about these records: ``record_ids`` tell, else labels.

        Raises DataError where the same records have other labels.
        """
        if self.record_ids is None or shadow.record_ids is None:
            return _same_labels(self.labels, shadow.labels, "records", "; save record_ids to tell")
        if np.array_equal(self.record_ids, shadow.record_ids):
            if not np.array_equal(self.labels, shadow.labels):
                raise DataError(
                    "shadow: records with the record_ids of the target have other labels"
                )
            return True
        if np.array_equal(np.sort(self.record_ids), np.sort(shadow.record_ids)):
            log.warning("shadow: the target's records in another order are taken for other records")
        return False

    def same_reference(self, shadow: Predictions) -> bool:
        """Whether shadows answered about these reference records, as far as labels can tell."""
        return _same_labels(self.reference_labels, shadow.reference_labels, "reference records", "")


def _same_labels(own: NDArray[np.int64], others: NDArray[np.int64], what: str, hint: str) -> bool:
    same = np.array_equal(own, others)
    if same and len(own) and (np.diff(own) >= 0).all():
        log.warning(
            "target and shadow have the same labels, sorted, as other %s would have too;"
            " they are taken for the same ones%s", what, hint,
        )  # fmt: skip
    return same


def read_predictions(path: str | Path) -> Predictions:
    """Read and check a file. Raises DataError; nothing is ever unpickled."""
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    if path.suffix == ".npz":
        return Predictions.of(_read_npz(path), str(path))
    if path.suffix == ".safetensors":
        return Predictions.of(_read_safetensors(path), str(path))
    raise DataError(f"{path}: unknown format {path.suffix!r} (allowed: .npz, .safetensors)")


def _read_npz(path: Path) -> Arrays:
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise DataError(f"{path}: is one array; save several with np.savez")
        with file:
            return {name: _member_of(file, name, path) for name in file.files}
    except (BadZipFile, EOFError, OSError, ValueError) as error:
        raise DataError(f"{path}: is no readable .npz file: {error}") from None


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
        raise DataError(f"{path}: is no readable .safetensors file: {error}") from None
    return arrays


@dataclass(frozen=True)
class _Reader:
    """Looks at arrays one by one, and says what is wrong with which."""

    arrays: Arrays
    where: str

    def __post_init__(self) -> None:
        for name in self.arrays:
            if name not in ARRAYS:
                log.warning("%s: array %r is not used%s", self.where, name, closest(name, ARRAYS))

    def there(self) -> str:
        """What the file has, for an error."""
        return f" (there are: {', '.join(self.arrays) or 'none'})"

    def answers(self, logits: str, probs: str) -> NDArray[np.float32] | None:
        """Log-probabilities (models, records, classes); None if neither array is there."""
        if logits in self.arrays and probs in self.arrays:
            raise DataError(f"{self.where}: {logits} and {probs} are both there; give one of them")
        name = logits if logits in self.arrays else probs
        if name not in self.arrays:
            return None
        values = self._numbers(name)
        log_probs = _log_softmax(values) if name == logits else self._logarithms(name, values)
        return log_probs[None] if log_probs.ndim == 2 else log_probs

    def labels(self, name: str, n: int, n_classes: int) -> NDArray[np.int64]:
        """Labels (n,) in 0..n_classes-1."""
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
        """Distinct names (n,), as text; None if they are not there."""
        if name not in self.arrays:
            return None
        values = self.arrays[name]
        if values.dtype.kind not in "iuU":
            raise DataError(f"{self.where}: {name} must be integers or strings, got {values.dtype}")
        self._expect(name, values, (n,))
        if repeated := n - len(np.unique(values)):
            raise DataError(f"{self.where}: {name} must be distinct, and {repeated} are repeated")
        return values.astype(np.str_)

    def member(self, n_models: int, n: int) -> NDArray[np.bool_]:
        """Membership (models, n), with members and others."""
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
            raise DataError(f"{self.where}: {name} is missing{self.there()}")
        return self.arrays[name]

    def _numbers(self, name: str) -> NDArray[Any]:
        """Finite numbers of two or three axes."""
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
                f"{self.where}: {name} must sum to one over classes, and are off by up to {worst:.3g};"
                " save raw outputs as 'logits'"
            )
        with np.errstate(divide="ignore"):  # a probability of zero stays one
            log_probs: NDArray[np.float64] = np.log(probs / sums)
        return log_probs.astype(np.float32)

    def _expect(self, name: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
        if values.shape != shape:
            raise DataError(f"{self.where}: {name} has shape {values.shape}, expected {shape}")


def _log_softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Log-probabilities of logits; in float64, so one model at a time."""
    if logits.ndim == 3:
        return np.stack([_log_softmax(one) for one in logits])
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_probs.astype(np.float32)
