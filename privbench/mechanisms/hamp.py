"""HAMP: Chen, Pattabiraman 2024, "Overconfidence is a Dangerous Thing", arXiv 2307.01610.

The defense has two parts; a pipeline of both is ``mechanisms = ["hamp", "hamp-output"]``.

- ``hamp``, in training: labels are softened to a given entropy, and the loss rewards the entropy of the
  outputs (equation 4).
- ``hamp-output``, for outputs: each output is replaced by that on a random record, sorted so that the
  classes keep their order (section IV-C).

Differences from the published code: it divides the KL divergence by the number of classes, so its
weights are ours divided by that number; and it keeps the epoch that is best on validation records.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import (
    OutputContext,
    OutputMechanism,
    OutputTransform,
    PerExampleLoss,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from privbench.data import DataSpec
    from privbench.engine import Batch


class Hamp(PerExampleLoss):
    """HAMP in training: soft labels and an entropy bonus."""

    name: ClassVar[str] = "hamp"
    paper: ClassVar[str] = "Chen, Pattabiraman 2024, arXiv 2307.01610"

    entropy: float = Field(
        0.9,
        gt=0,
        lt=1,
        description="entropy of the soft labels, as a share of log(classes) (gamma)",
    )
    weight: float = Field(0.01, ge=0, description="weight of the entropy of the outputs (alpha)")

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Return KL(soft label || output) - weight H(output) per example (batch,), in nats."""
        from torch.nn import functional

        log_p = forward(batch.x).float().log_softmax(-1)
        classes = log_p.shape[-1]
        top = top_probability(self.entropy, classes)
        rest = (1 - top) / (classes - 1)
        soft = rest + (top - rest) * functional.one_hot(batch.y, classes)
        divergence = -soft_label_entropy(top, classes) - (soft * log_p).sum(-1)
        entropy = -(log_p.exp() * log_p).sum(-1)
        return divergence - self.weight * entropy


class HampOutput(OutputMechanism):
    """HAMP for outputs: those on random records, reordered.

    Every query draws new records: uniform pixels for images, fair bits for binary records, and for
    tables one category per categorical column and standard normal numbers.
    """

    name: ClassVar[str] = "hamp-output"
    paper: ClassVar[str] = "Chen, Pattabiraman 2024, arXiv 2307.01610, section IV-C"

    needs_fit: ClassVar[bool] = True
    reads_members: ClassVar[bool] = False
    keeps_classes: ClassVar[bool] = True

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Raise TypeError, since the outputs on random records need the model."""
        raise TypeError(f"{self.name} queries the model: use fit")

    def fit(self, context: OutputContext, rng: np.random.Generator) -> OutputTransform:
        """Return the function that replaces the outputs of one model."""

        def transform(
            probabilities: NDArray[np.float64], rng: np.random.Generator
        ) -> NDArray[np.float64]:
            random_outputs = context.query(random_records(context.spec, len(probabilities), rng))
            return reorder(random_outputs, probabilities)

        return transform


def top_probability(share: float, classes: int) -> float:
    """Return the probability of the label in a soft label of entropy ``share`` log(classes).

    The rest is spread evenly over the other classes. Found by bisection, since the entropy falls from
    log(classes) at 1 / classes to 0 at 1.
    """
    low, high = 1 / classes, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if soft_label_entropy(middle, classes) > share * math.log(classes):
            low = middle
        else:
            high = middle
    return low


def soft_label_entropy(top: float, classes: int) -> float:
    """Return the entropy, in nats, of ``top`` for one class and the rest spread evenly."""
    rest = (1 - top) / (classes - 1)
    probabilities = [top, *[rest] * (classes - 1)]
    return -sum(p * math.log(p) for p in probabilities if p > 0)


def reorder(values: NDArray[np.float64], order: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sort each row of ``values`` (n, classes) so that it ranks the classes as ``order`` does."""
    import numpy as np

    result = np.empty_like(values)
    ranked = np.argsort(-order, axis=1, kind="stable")  # ties: the first class first, as in argmax
    np.put_along_axis(result, ranked, -np.sort(-values, axis=1), axis=1)
    return result


def random_records(spec: DataSpec, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw random records (n, *shape), with independent features or categorical columns."""
    import numpy as np

    shape = (n, *spec.shape)
    if spec.kind == "image":
        return rng.random(shape, dtype=np.float32)
    if spec.kind == "binary":
        return rng.integers(0, 2, shape).astype(np.float32)
    records = rng.standard_normal(shape, dtype=np.float32)
    for first, end in spec.categorical_blocks:
        records[:, first:end] = np.eye(end - first)[rng.integers(0, end - first, n)]
    return records
