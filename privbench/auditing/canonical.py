"""Bring arrays of predictions, as people save them, into the one form that audits compute with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.arrays import as_array
from privbench.auditing.labels import Classes, coded, common_classes
from privbench.auditing.members import ADVICE_MEMBER, check_ids, membership
from privbench.auditing.problems import Problems
from privbench.auditing.rounding import Rounding, found_rounding

SUM_TOLERANCE = 1e-3
"""How far probabilities may be from a sum of one; further where they are rounded."""
ADVICE_NAN = "ask the models again for these records, or leave the records out, members or not"
ADVICE_RAW = "save raw outputs as 'logits' (in a table, call the columns logit_...)"

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Canonical:
    """Arrays with the types and shapes that audits compute with, and what was taken for what."""

    arrays: dict[str, NDArray[Any]]
    classes: Classes
    """The class of each column as text, where labels are no positions of columns."""
    notes: tuple[str, ...]
    """What was taken for what, where there was a choice."""
    rounding: Rounding | None


def canonical(
    arrays: Mapping[str, Any], problems: Problems, notes: Sequence[str] = ()
) -> Canonical:
    """Return arrays in one form; what is wrong is added to ``problems``, each with what to do.

    Outputs become (models, records, classes), whatever axes they lack. Labels become the positions of
    their classes in the last axis, and membership becomes bool (models, records).

    Args:
        arrays: arrays by the names of a file (docs/audit.md): of NumPy or torch, on any device; lists,
            or columns of pandas.
        problems: collects what is wrong; the result is of use only if nothing is.
        notes: what was taken for what before.
    """
    dtypes: dict[str, str] = {}
    values = plain(arrays, problems, dtypes)
    return _Converter(values, dtypes, problems, list(notes)).convert()


def plain(
    arrays: Mapping[str, Any], problems: Problems, dtypes: dict[str, str] | None = None
) -> dict[str, NDArray[Any]]:
    """Return arrays of NumPy, whatever they are; ``dtypes`` gets the number formats that they had."""
    values = {}
    for name, value in arrays.items():
        try:
            values[name], dtype = as_array(value)
        except (TypeError, ValueError) as error:
            problems.add(name, str(error))
            continue
        if dtypes is not None:
            dtypes[name] = dtype
    return values


@dataclass
class _Converter:
    """Converts arrays one by one."""

    values: dict[str, NDArray[Any]]
    dtypes: dict[str, str]
    problems: Problems
    notes: list[str]
    rounding: Rounding | None = None
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def convert(self) -> Canonical:
        known = dict(self.values)
        outputs = self._outputs("logits", "probs", "labels")
        reference = self._outputs("reference_logits", "reference_probs", "reference_labels")
        classes = self._labels(outputs, reference)
        self._member(outputs)
        if "record_ids" in self.values:
            n = len(self.arrays["labels"]) if "labels" in self.arrays else None
            check_ids(self.values["record_ids"], n, self.problems)
        for name in ("classes", "positive"):
            known.pop(name, None)
        return Canonical(known | self.arrays, classes, tuple(self.notes), self.rounding)

    def _outputs(self, logits: str, probs: str, labels: str) -> NDArray[Any] | None:
        """Convert outputs to (models, records, classes), or (..., 1) of a single column."""
        given = [name for name in (logits, probs) if name in self.values]
        if len(given) == 2:
            self.problems.found.append(
                f"{logits} and {probs} are both given; give only one of them"
            )
        if not given:
            return None
        name = given[0]
        values = self.values[name]
        if values.dtype.kind not in "fiu":
            self.problems.add(name, f"must be numbers, got {values.dtype}")
            return None
        n = len(self.values[labels]) if labels in self.values and self.values[labels].ndim else None
        shaped = self._with_axes(name, values, n)
        if shaped is None or not self._is_finite(name, shaped):
            return shaped
        rounding = found_rounding(shaped, self.dtypes[name])
        if name in ("logits", "probs"):
            self.rounding = rounding
        if name == probs:
            self._check_probabilities(name, shaped, rounding)
        self.arrays[name] = shaped
        return shaped

    def _with_axes(self, name: str, values: NDArray[Any], n: int | None) -> NDArray[Any] | None:
        shape = values.shape
        if values.ndim not in (1, 2, 3) or 0 in shape:
            self.problems.add(
                name,
                f"has shape {shape}, expected (models, records, classes) or (records, classes), or"
                " (records,) of a model of two classes",
            )
            return None
        if values.ndim == 1:
            return values[None, :, None]
        if values.ndim == 3:
            return values
        if n not in (None, shape[0]) and shape[1] == n:
            self.notes.append(f"{name} {shape}: {shape[0]} models of two classes, and {n} records")
            return values[:, :, None]
        return values[None]

    def _is_finite(self, name: str, values: NDArray[Any]) -> bool:
        bad: NDArray[np.bool_] = ~np.isfinite(values)
        if not bad.any():
            return True
        where = self.problems.records(np.asarray(bad.any(axis=(0, 2))))
        columns = self.problems.columns
        of_columns = ""
        if len(columns) == values.shape[2]:
            counts = zip(columns, bad.sum(axis=(0, 1)), strict=True)
            of_columns = (
                " (" + ", ".join(f"{column}: {count}" for column, count in counts if count) + ")"
            )
        self.problems.add(
            name, f"{bad.sum()} values are NaN or infinite{of_columns}, in {where}: {ADVICE_NAN}"
        )
        return False

    def _check_probabilities(
        self, name: str, probs: NDArray[Any], rounding: Rounding | None
    ) -> None:
        low, high = float(probs.min()), float(probs.max())
        if low < 0:
            self.problems.add(name, f"has negative values, down to {low:g}; {ADVICE_RAW}")
        elif probs.shape[2] == 1:
            if high > 1:
                self.problems.add(
                    name, f"has values up to {high:g}; {ADVICE_RAW}, and percent as shares"
                )
        else:
            off = np.abs(probs.sum(axis=-1, dtype=np.float64) - 1)
            allowed = rounding.sum_error(probs.shape[2]) if rounding else 0.0
            if (worst := float(off.max())) > max(SUM_TOLERANCE, allowed):
                bad = (off > max(SUM_TOLERANCE, allowed)).any(axis=0)
                self.problems.add(
                    name,
                    f"must sum to one over classes, but are off by up to {worst:.3g} in"
                    f" {self.problems.records(bad)}; {ADVICE_RAW}",
                )

    def _labels(self, outputs: NDArray[Any] | None, reference: NDArray[Any] | None) -> Classes:
        """Convert labels and single columns, both by the classes of the columns; return these."""
        if outputs is None:
            return ()
        n_models, n, k = outputs.shape
        names = {"labels": n}
        if "reference_labels" in self.values or reference is not None:
            names["reference_labels"] = n if reference is None else reference.shape[1]
        given = {name: self._given_labels(name, size) for name, size in names.items()}
        if reference is not None and (reference.shape[0], reference.shape[2]) != (n_models, k):
            self.problems.add(
                "reference_logits",
                f"the reference outputs have shape {reference.shape}, expected ({n_models} models,"
                f" references, {k} classes)",
            )
        if reference is None and "reference_labels" in self.values:
            self.problems.add(
                "reference_labels", "there are reference_labels but no reference_logits"
            )
        known = [values for values in given.values() if values is not None]
        if len(known) < len(names):
            return ()
        coding = common_classes(
            known,
            k,
            self._texts("classes"),
            next(iter(self._texts("positive")), None),
            self.problems,
            self.notes,
        )
        if coding is None:
            return ()
        self.arrays |= {
            name: coded(labels, coding) for name, labels in given.items() if labels is not None
        }
        if k == 1:
            self._add_negative_class(is_first=coding.positive_first)
        return coding.columns

    def _texts(self, name: str) -> list[str]:
        return [str(one) for one in self.values[name].reshape(-1)] if name in self.values else []

    def _given_labels(self, name: str, n: int) -> NDArray[Any] | None:
        """Return labels (n,) as they are, if they are labels at all."""
        if name not in self.values:
            if name not in self.problems.blamed:
                self.problems.add(name, f"is missing{self._listing()}")
            return None
        labels = self.values[name]
        if labels.shape == (n, 1):
            labels = labels[:, 0]
        if labels.shape != (n,):
            self.problems.add(name, f"has shape {labels.shape}, expected ({n},)")
            return None
        missing = labels == "" if labels.dtype.kind == "U" else np.isnan(labels)
        if missing.any():
            self.problems.add(
                name,
                f"no label in {self.problems.records(missing)}: give the labels, or leave the records"
                " out, members or not",
            )
            return None
        if labels.dtype.kind == "f":
            if (labels != np.rint(labels)).any():
                self.problems.add(
                    name, f"must be classes: integers, texts or truth values, got {labels.dtype}"
                )
                return None
            labels = labels.astype(np.int64)
        return labels

    def _add_negative_class(self, is_first: bool) -> None:
        """Make two columns of the single one: that of the other class first, unless ``is_first``."""
        for name in ("logits", "probs", "reference_logits", "reference_probs"):
            if name in self.arrays:
                one = self.arrays[name].astype(np.float64)
                other = 1 - one if name.endswith("probs") else np.zeros_like(one)
                pair = (one, other) if is_first else (other, one)
                self.arrays[name] = np.concatenate(pair, axis=2)

    def _member(self, outputs: NDArray[Any] | None) -> None:
        if "member" not in self.values and "member" not in self.problems.blamed:
            self.problems.add("member", f"is missing{self._listing()}; {ADVICE_MEMBER}")
        if "member" not in self.values:
            return
        size = None if outputs is None else outputs.shape[:2]
        member = membership(self.values["member"], size, self.problems, self.notes)
        if member is not None:
            self.arrays["member"] = member

    def _listing(self) -> str:
        return f" (there are: {', '.join(self.values) or 'none'})"
