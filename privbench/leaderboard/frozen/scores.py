"""Files of scores: an array (targets, n_pool) for each population, larger = member."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from privbench.components.messages import closest
from privbench.errors import DataError
from privbench.leaderboard.frozen.arrays import arrays_of, expected
from privbench.leaderboard.frozen.folder import FrozenOutputs
from privbench.npz import names_in

BYTES = 16
"""Largest size of a number, that of a long double."""


@dataclass(frozen=True)
class Scores:
    """The scores of one attack."""

    arrays: dict[str, NDArray[np.float64]]
    """Scores (targets, n_pool) by population, finite."""
    digest: str
    """The sha256 of the file."""


def read_scores(path: str | Path, frozen: FrozenOutputs) -> Scores:
    """Read a file of scores, which anybody may have written.

    Raises:
        DataError: the file cannot be read, or an array is missing, unknown, of another shape or not
            finite. The message names the population, the value, and what is allowed.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    populations = {population.name: population for population in frozen.populations}
    for name in names_in(BytesIO(content), str(path)):
        if name not in populations:
            raise DataError(f"{path}: unknown population {name!r}{closest(name, populations)}")
    limits = {name: math.prod(p.shape) * BYTES for name, p in populations.items()}
    arrays = arrays_of(content, str(path), limits)
    if missing := [name for name in populations if name not in arrays]:
        raise DataError(
            f"{path}: scores of {len(missing)} of {len(populations)} populations are missing, such as"
            f" {missing[0]} (allowed: an array of shape {populations[missing[0]].shape})"
        )
    checked = {
        name: _finite(expected(arrays, name, p.shape, "fiub", str(path)), f"{path}: {name}")
        for name, p in populations.items()
    }
    return Scores(checked, hashlib.sha256(content).hexdigest())


def _finite(values: NDArray[np.generic], where: str) -> NDArray[np.float64]:
    numbers = values.astype(np.float64)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        target, record = bad[0]
        raise DataError(
            f"{where} has {len(bad)} values that are not finite, such as {numbers[target, record]} for"
            f" target {target} and record {record} (allowed: finite numbers)"
        )
    return numbers
