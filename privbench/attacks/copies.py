"""Noisy copies of records, and how models classify them: the queries of `label_only` and `auto`.

Each copy perturbs all records in the same way: the same features are flipped, and the same noise is
added. All models are queried on the same copies, too. So what differs between two models, or between
two records, is not the luck of the draw, and shadows show how a record is usually classified on exactly
these copies.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def noisy_copies(
    x: NDArray[np.float32], copies: int, noise: float, flips: float
) -> Iterator[NDArray[np.float32]]:
    """Yield noisy copies of records.

    A feature is binary if it is 0 or 1 in all records, and both occur. A feature that never changes,
    such as a pixel in the margin, is not binary. Each one-hot feature of a category is flipped on its
    own.

    Args:
        x: (n, *shape), the records.
        copies: the number of copies.
        noise: standard deviation of the Gaussian noise that is added to features that are not binary.
        flips: probability with which each binary feature is flipped.

    Yields:
        (n, *shape), one copy of all records, read-only. The perturbations are the same in every call.
    """
    rng = np.random.default_rng(0)
    binary = ((x == 0) | (x == 1)).all(axis=0) & (x.min(axis=0) < x.max(axis=0))
    for _ in range(copies):
        flipped = binary & (rng.random(x.shape[1:]) < flips)
        shift = np.where(binary, 0, noise * rng.standard_normal(x.shape[1:])).astype(np.float32)
        copy = np.where(flipped, 1 - x, x + shift)
        copy.setflags(write=False)
        yield copy
