"""What components return is held to their contracts: who returned what, and what was expected.

``what`` begins each message, such as ``coarse: apply returned``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from privbench.data import Data
from privbench.errors import PrivbenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOLERANCE = 1e-3  # of the sum of a record's probabilities


def checked_array(found: Any, shape: tuple[int | str, ...], what: str) -> NDArray[Any]:
    """Finite numbers of this shape; a word in ``shape`` stands for any size."""
    import numpy as np

    expected = f"expected numbers of shape {shape}".replace("'", "")
    try:
        values = np.asarray(found)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors with gradients
        raise PrivbenchError(f"{what} {shown(found)}, {expected}: {error}") from error
    if values.dtype.kind not in "fiub" or not _matches(values.shape, shape):
        raise PrivbenchError(f"{what} {shown(found)}, {expected}")
    if bad := int((~np.isfinite(values)).sum()):
        raise PrivbenchError(f"{what} NaN or infinity in {bad} of {values.size} values")
    return values


def checked_data(found: Any, given: Data, what: str) -> Data:
    """As many records as were given, of the same shape and the same classes."""
    import numpy as np

    if not isinstance(found, Data):
        raise PrivbenchError(
            f"{what} {shown(found)}, expected records: privbench.Data(x, y, data.spec)"
        )
    x = checked_array(found.x, given.x.shape, f"{what} records whose x is")
    y = checked_array(found.y, given.y.shape, f"{what} records whose y is")
    last = given.spec.n_classes - 1
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() > last:
        raise PrivbenchError(
            f"{what} labels {y.dtype} from {y.min()} to {y.max()}, expected integers in 0..{last}"
        )
    return Data(x.astype(np.float32), y.astype(np.int64), given.spec)


def checked_probabilities(found: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Non-negative, and each row sums to one."""
    values = checked_array(found, shape, what).astype(float)
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


def check_fitted(found: Sequence[object], n_models: int, name: str) -> None:
    """One fitted generator for each model."""
    from privbench.generators.base import FittedGenerator

    if len(found) != n_models:
        raise PrivbenchError(
            f"{name}: fit_population returned {len(found)} generators, expected {n_models}"
        )
    for one in found:
        if not isinstance(one, FittedGenerator):
            raise PrivbenchError(f"{name}: fit returned {shown(one)}, expected a FittedGenerator")


def shown(found: object) -> str:
    """What something is: ``ndarray of shape (3,) and type float64``, ``None``, ``str``."""
    if found is None:
        return "None"
    name, shape = type(found).__name__, getattr(found, "shape", None)
    if shape is None:
        return name
    return f"{name} of shape {tuple(shape)} and type {getattr(found, 'dtype', '?')}"


def _matches(shape: tuple[int, ...], expected: tuple[int | str, ...]) -> bool:
    return len(shape) == len(expected) and all(
        isinstance(size, str) or size == own for own, size in zip(shape, expected, strict=True)
    )
