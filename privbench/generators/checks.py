"""Check what generators return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from privbench.components.checks import shown
from privbench.errors import PrivbenchError
from privbench.generators.base import FittedGenerator

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_fitted(returned: Any, n_models: int, name: str) -> None:
    """Raise PrivbenchError unless there is one fitted generator for each model."""
    if not isinstance(returned, Sequence) or len(returned) != n_models:
        count = len(returned) if isinstance(returned, Sequence) else shown(returned)
        raise PrivbenchError(
            f"{name}: fit_population returned {count} generators, expected {n_models}"
        )
    for fitted in returned:
        if not isinstance(fitted, FittedGenerator):
            raise PrivbenchError(
                f"{name}: fit returned {shown(fitted)}, expected a FittedGenerator"
            )


def checked_state(returned: Any, name: str) -> Mapping[str, NDArray[Any]] | None:
    """Return the state of a fitted generator: arrays by name, or None."""
    import numpy as np

    if returned is None:
        return None
    if not isinstance(returned, Mapping) or not all(
        isinstance(key, str) and isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
        for key, value in returned.items()
    ):
        raise PrivbenchError(
            f"{name}: state returned {shown(returned)}, expected a dict of NumPy arrays or None"
        )
    return returned
