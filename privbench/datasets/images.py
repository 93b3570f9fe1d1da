"""Encode images as features in [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privbench.data import Data, DataSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def image_data(x: NDArray[Any], y: NDArray[Any], n_classes: int, white: int = 255) -> Data:
    """Scale images (n, channels, height, width) with pixels in 0..white to [0, 1]."""
    import numpy as np

    scaled: NDArray[np.float32] = np.divide(x, white, dtype=np.float32)
    spec = DataSpec(kind="image", shape=tuple(x.shape[1:]), n_classes=n_classes)
    return Data(scaled, y.astype(np.int64), spec)
