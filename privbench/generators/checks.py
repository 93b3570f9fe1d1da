"""Check what generators return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from privbench.components.checks import shown
from privbench.errors import PrivbenchError
from privbench.generators.base import FittedGenerator, FittedSampler

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_fitted(returned: Any, n_models: int, name: str, *, encodes: bool) -> None:
    """Raise PrivbenchError unless there is one fitted generator for each model.

    Args:
        returned: what ``fit_population`` returned, or the results of ``restore``.
        n_models: number of models.
        name: name of the generator.
        encodes: whether it must encode and decode records, and not only draw new ones.
    """
    if not isinstance(returned, Sequence) or len(returned) != n_models:
        count = len(returned) if isinstance(returned, Sequence) else shown(returned)
        raise PrivbenchError(
            f"{name}: fit_population returned {count} generators, expected {n_models}"
        )
    expected = FittedGenerator if encodes else FittedSampler
    for fitted in returned:
        if isinstance(fitted, expected):
            continue
        message = f"{name}: fit returned {shown(fitted)}, expected a {expected.__name__}"
        if isinstance(fitted, FittedSampler):
            message += "; a generator that only draws new records is a privbench.SamplingGenerator"
        raise PrivbenchError(message)


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
