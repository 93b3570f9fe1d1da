"""Check what components return: an error says which component returned what, and what was expected.

``what`` begins each message, such as ``coarse: apply returned``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from privbench.components.messages import printable
from privbench.data import Data
from privbench.errors import PrivbenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


TOLERANCE = 1e-3
"""How far the sum of a record's probabilities may be from one."""


def checked_array(returned: Any, shape: tuple[int | str, ...], what: str) -> NDArray[Any]:
    """Return finite numbers of this shape; a word in ``shape`` stands for any size.

    Lists, DataFrames and tensors are taken as arrays.
    """
    import numpy as np

    expected = f"expected numbers of shape {shape}".replace("'", "")
    try:
        values = np.asarray(returned)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors with gradients
        raise PrivbenchError(f"{what} {shown(returned)}, {expected}: {error}") from error
    if values.dtype.kind not in "fiub" or not _matches(values.shape, shape):
        raise PrivbenchError(f"{what} {shown(returned)}, {expected}")
    if bad := int((~np.isfinite(values)).sum()):
        raise PrivbenchError(f"{what} NaN or infinity in {bad} of {values.size} values")
    return values


def checked_data(returned: Any, given: Data, what: str) -> Data:
    """Return copies of as many records as were given, of the same shape and the same classes.

    If none were given, any number of records is allowed.
    """
    import numpy as np

    if not isinstance(returned, Data):
        raise PrivbenchError(
            f"{what} {shown(returned)}, expected records: privbench.Data(x, y, data.spec)"
        )
    if returned.spec != given.spec:
        raise PrivbenchError(
            f"{what} records with another spec: {returned.spec}, expected that of the given ones;"
            " write privbench.Data(x, y, data.spec)"
        )
    shape = (len(given) or "records", *given.x.shape[1:])
    x = checked_array(returned.x, shape, f"{what} records whose x is")
    y = checked_array(returned.y, (len(x),), f"{what} records whose y is")
    if not len(y):
        raise PrivbenchError(f"{what} no records, expected at least one")
    last = given.spec.n_classes - 1
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() > last:
        raise PrivbenchError(
            f"{what} labels {y.dtype} from {y.min()} to {y.max()}, expected integers in 0..{last}"
        )
    return Data(x.astype(np.float32), y.astype(np.int64), given.spec)


def check_equal_sizes(sets: Sequence[Data], name: str) -> None:
    """Raise PrivbenchError unless all models of a population have as many records."""
    sizes = sorted({len(data) for data in sets})
    if len(sizes) > 1:
        raise PrivbenchError(
            f"{name}: apply returned from {sizes[0]} to {sizes[-1]} records, expected as many for each"
            " model"
        )


def checked_probabilities(returned: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Return a copy of probabilities: non-negative, and each row sums to one."""
    values = checked_array(returned, shape, what).astype(float)
    if negative := int((values < 0).any(-1).sum()):
        raise PrivbenchError(
            f"{what} negative probabilities in {negative} of {len(values)} rows (down to"
            f" {values.min():.3g}); clip at 0 and divide by the row sums"
        )
    sums = values.sum(-1)
    if off := int((abs(sums - 1) > TOLERANCE).sum()):
        raise PrivbenchError(
            f"{what} {off} of {len(values)} rows that do not sum to 1 (the sums are"
            f" {sums.min():.4g}..{sums.max():.4g}); divide by the row sums"
        )
    return values


def checked_reason(returned: Any, name: str) -> str:
    """Return what ``skip`` returned: the reason, or nothing."""
    if returned is None:
        return ""
    if not isinstance(returned, str):
        raise PrivbenchError(
            f"{name}: skip returned {shown(returned)}, expected the reason as text, or '' for none"
        )
    return printable(returned)


MEASURED_FACTS = ("clipped_share", "random")
"""Facts about models that the harness measures itself, each a mean over models."""


def checked_facts(returned: Any, what: str) -> dict[str, float]:
    """Return numbers by name, such as a training loop may return; none for anything but a mapping.

    Loops that return something else, such as a list of losses, need not be changed.
    """
    if not isinstance(returned, Mapping):
        return {}
    facts = {}
    for name, value in returned.items():
        if not isinstance(name, str) or not hasattr(value, "__float__"):
            raise PrivbenchError(f"{what} {name!r}: {shown(value)}, expected numbers by name")
        if name in MEASURED_FACTS:
            raise PrivbenchError(f"{what} {name!r}, a name of what the harness measures itself")
        facts[name] = float(value)
        if not math.isfinite(facts[name]):
            raise PrivbenchError(f"{what} {name!r}: {value}, expected a finite number")
    return facts


def checked_resolution(returned: Any, name: str) -> float:
    """Return the resolution of an output mechanism: a number in [0, 1)."""
    if (
        isinstance(returned, bool | str)
        or not hasattr(returned, "__float__")
        or not 0 <= float(returned) < 1
    ):
        raise PrivbenchError(
            f"{name}: resolution returned {returned!r}, expected a number of at least 0 and below 1"
        )
    return float(returned)


def checked_method(returned: Any, method: str, what: str) -> Any:
    """Return an object that can be called, or whose ``method`` can if one is named."""
    target = getattr(returned, method, None) if method else returned
    if not callable(target):
        expected = f"an object with {method}" if method else "a function"
        raise PrivbenchError(f"{what} {shown(returned)}, expected {expected}")
    return returned


def shown(value: object) -> str:
    """Return what something is, as ``ndarray of shape (3,) and type float64``, ``None`` or ``str``."""
    if value is None:
        return "None"
    name, shape = type(value).__name__, getattr(value, "shape", None)
    if shape is None:
        return name
    return f"{name} of shape {tuple(shape)} and type {getattr(value, 'dtype', '?')}"


def _matches(shape: tuple[int, ...], expected: tuple[int | str, ...]) -> bool:
    return len(shape) == len(expected) and all(
        isinstance(wanted, str) or wanted == size
        for size, wanted in zip(shape, expected, strict=True)
    )
