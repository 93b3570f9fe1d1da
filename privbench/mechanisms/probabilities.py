"""Arithmetic on class probabilities that several mechanisms share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Return the probabilities (..., classes) of logits (..., classes), in the same precision."""
    import numpy as np

    powers = np.exp(logits - logits.max(-1, keepdims=True))
    result: NDArray[Any] = powers / powers.sum(-1, keepdims=True)
    return result


def entropy(probabilities: NDArray[Any]) -> NDArray[Any]:
    """Return the entropy (...,) of probabilities (..., classes), in nats."""
    import numpy as np

    logs = np.log(np.maximum(probabilities, 1e-30))
    result: NDArray[Any] = -(probabilities * logs).sum(-1)
    return result


def renormalise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clip rows (n, n_classes) at zero and scale them to sum to one; all zeros become uniform."""
    import numpy as np

    clipped = np.maximum(values, 0.0)
    total = clipped.sum(axis=1, keepdims=True)
    is_zero = total == 0
    return np.where(is_zero, 1.0 / values.shape[1], clipped / np.where(is_zero, 1.0, total))
