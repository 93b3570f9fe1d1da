"""The tasks of audited models: which arrays hold their predictions, and what attacks see of them.

1. *Classification*: `logits` or `probs` (models, records, classes) and `labels` (records,).
2. *Regression*: `predictions` (models, records) and `targets` (records,), numbers.
3. *Several labels* ("multi-label"): `logits` or `probs` (models, records, labels), one number for each
   label, and `labels` (records, labels), each 0 or 1.

Reference records have arrays of the same kinds with `reference_` before their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Task
from privbench.attacks.outputs import Outputs
from privbench.attacks.tasks import MultilabelOutputs, RegressionOutputs
from privbench.data import read_only
from privbench.errors import DataError

if TYPE_CHECKING:
    from privbench.auditing.predictions import Predictions

Floats = NDArray[np.float64]
Arrays = Mapping[str, Any]
ARRAYS = ("predictions", "targets", "reference_predictions", "reference_targets")
"""The names of arrays of regression."""
READ = (
    *ARRAYS,
    *(f"{prefix}{name}" for prefix in ("", "reference_") for name in ("logits", "probs", "labels")),
)
"""The names of arrays that `read_task` reads."""


def task_of(arrays: Arrays) -> Task:
    """Return the task that arrays by name are for."""
    if any(name in arrays for name in ("predictions", "targets")):
        return "regression"
    try:
        shape = np.shape(arrays.get("labels", 0))
    except ValueError:  # parts of different lengths, which is said when they are read
        shape = ()
    return "multi-label" if len(shape) == 2 and shape[1] > 1 else "classification"


def read_task(arrays: Arrays, where: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the outputs and labels of a task other than classification.

    Returns:
        (1) All other arrays, such as membership, with ``logits`` and ``labels`` that stand in for what
        was read, so that they are read as for classification; (2) what was read, by the names of the
        fields of `Predictions`.

    Raises:
        DataError: the message begins with ``where`` and names the array.
    """
    task = task_of(arrays)
    read = _read_regression if task == "regression" else _read_multilabel
    found = read(arrays, where, "")
    if found is None:
        needed = "'predictions'" if task == "regression" else "'logits' or 'probs'"
        raise DataError(f"{where}: {needed} is missing{listing(arrays)}")
    outputs, labels = found
    reference = read(arrays, where, "reference_")
    shape = (len(outputs), 0, *outputs.shape[2:])
    reference = (
        (np.zeros(shape), np.zeros((0, *labels.shape[1:]))) if reference is None else reference
    )
    if (len(reference[0]), *reference[0].shape[2:]) != (len(outputs), *outputs.shape[2:]):
        raise DataError(
            f"{where}: the reference outputs have shape {reference[0].shape}, expected as many models"
            f" and labels as the outputs {outputs.shape}"
        )
    columns = outputs[..., None] if task == "regression" else np.exp(outputs[..., 1])
    stand_in = {"logits": np.repeat(columns, 2, axis=-1), "labels": np.zeros(len(labels), np.int64)}
    others = {name: array for name, array in arrays.items() if name not in READ}
    fields: dict[str, Any] = {
        "task": task,
        "labels": labels,
        "reference_labels": reference[1].astype(labels.dtype),
    }
    if task == "regression":
        none = np.zeros((len(outputs), 0, 0), np.float32)
        fields |= {"values": outputs, "reference_values": reference[0]}
        return others | stand_in, fields | {"log_probs": none, "reference_log_probs": none}
    fields |= {"log_probs": outputs, "reference_log_probs": reference[0].astype(np.float32)}
    return others | stand_in, fields


def _read_regression(arrays: Arrays, where: str, prefix: str) -> tuple[Floats, Floats] | None:
    """Return predictions (models, records) and targets (records,); None if neither is there."""
    names = f"{prefix}predictions", f"{prefix}targets"
    if not any(name in arrays for name in names):
        return None
    for name in names:
        if name not in arrays:
            hint = ""
            if name == names[1] and f"{prefix}labels" in arrays:
                hint = f"; of regression, save {prefix}labels as {name!r}"
            raise DataError(f"{where}: {name} is missing{listing(arrays)}{hint}")
    for name in (f"{prefix}logits", f"{prefix}probs"):
        if name in arrays:
            raise DataError(
                f"{where}: {names[0]} (regression) and {name} (classification) are both given; give"
                " only one of them"
            )
    predictions, targets = (_finite(arrays, name, where) for name in names)
    shapes = f"{names[0]} has shape {predictions.shape} and {names[1]} {targets.shape}"
    turned = f"; save {names[0]}.T" if predictions.shape[:1] == targets.shape else ""
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if predictions.ndim == 3 and predictions.shape[2] == 1:
        predictions = predictions[..., 0]
    if predictions.shape == (targets.size, 1):  # a column, as some models return it
        predictions = predictions[:, 0]
    if predictions.ndim == 1:
        predictions = predictions[None]
    if targets.ndim != 1 or predictions.ndim != 2 or predictions.shape[1] != len(targets):
        raise DataError(
            f"{where}: {shapes}, expected (models, records) or (records,), and (records,): one number"
            f" for each record{turned}"
        )
    return predictions, targets


def _read_multilabel(
    arrays: Arrays, where: str, prefix: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
    """Return log-probabilities (models, records, labels, 2) of 0 and 1, and labels (records, labels).

    None if there are no outputs. Logits are those of 1 against 0, as a sigmoid takes them.
    """
    logits, probs, name = f"{prefix}logits", f"{prefix}probs", f"{prefix}labels"
    given = [array for array in (logits, probs) if array in arrays]
    if len(given) == 2:
        raise DataError(f"{where}: {logits} and {probs} are both given; give only one of them")
    if not given:
        return None
    if name not in arrays:
        raise DataError(f"{where}: {name} is missing{listing(arrays)}")
    outputs, labels = _finite(arrays, given[0], where), _finite(arrays, name, where)
    if outputs.ndim == 2:
        outputs = outputs[None]
    if outputs.ndim != 3 or outputs.shape[1:] != labels.shape:
        raise DataError(
            f"{where}: {given[0]} has shape {np.shape(arrays[given[0]])} and {name} {labels.shape},"
            " expected (models, records, labels) or (records, labels), and (records, labels)"
        )
    if not np.isin(labels, (0, 1)).all():
        raise DataError(f"{where}: {name} (records, labels) must be 0 or 1, or bool")
    is_single = labels.shape[1] > 1 and (labels.sum(axis=1) == 1).all()
    if given[0] == logits:
        pair = -np.logaddexp(0.0, outputs), -np.logaddexp(0.0, -outputs)
    elif outputs.min() < 0 or outputs.max() > 1:
        raise DataError(
            f"{where}: {probs} must lie in [0, 1], got {outputs.min():.4g}..{outputs.max():.4g}; save"
            f" raw outputs as {logits!r}"
        )
    elif is_single and np.allclose(outputs.sum(axis=-1), 1, atol=1e-3):
        raise DataError(
            f"{where}: each row of {name} has a single 1, and {probs} sum to one: this is"
            f" classification; save {name}.argmax(axis=1) as {name!r}"
        )
    else:
        with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
            pair = np.log1p(-outputs), np.log(outputs)
    return np.stack(pair, axis=-1).astype(np.float32), labels.astype(np.int64)


def _finite(arrays: Arrays, name: str, where: str) -> Floats:
    values = np.asarray(arrays[name])
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where}: {name} must be numbers, got {values.dtype}")
    if values.ndim == 0 or 0 in values.shape:
        raise DataError(f"{where}: {name} has shape {values.shape}, and holds nothing")
    if bad := int((~np.isfinite(values)).sum()):
        raise DataError(f"{where}: {name}: {bad} values are NaN or infinite")
    return values.astype(np.float64)


def listing(arrays: Arrays) -> str:
    """Return the names of the arrays, for an error message."""
    return f" (there are: {', '.join(arrays) or 'none'})"


def residual_scale(target: Predictions) -> float:
    """Return sigma of regression: the root mean square of residuals, of reference records if possible.

    Membership has no part in it, so that it tells attacks nothing.
    """
    assert target.values is not None
    assert target.reference_values is not None
    residuals = target.reference_values - target.reference_labels
    if not residuals.size:
        residuals = target.values - target.labels
    return float(np.sqrt((residuals**2).mean())) or 1.0


def outputs_of(target: Predictions, observes: str, scale: float) -> tuple[Outputs, Outputs]:
    """Return the outputs on records and on reference records of tasks other than classification."""
    if target.task == "regression":
        assert target.values is not None
        assert target.reference_values is not None
        return (
            RegressionOutputs(target.values, scale=scale),
            RegressionOutputs(target.reference_values, scale=scale),
        )

    def observed(log_probs: NDArray[np.float32]) -> Outputs:
        predicted = read_only(log_probs.argmax(-1))
        return MultilabelOutputs(predicted, None if observes == "labels" else log_probs)

    return observed(target.log_probs), observed(target.reference_log_probs)
