"""HAMP: Chen, Pattabiraman 2024, "Overconfidence is a Dangerous Thing", arXiv 2307.01610.

Training: labels are softened until their entropy is a share of the largest that there is, and the
entropy of the answers is rewarded (equation 4). The published code divides the divergence by the number
of classes, so that its weights are ours divided by it; and it keeps the epoch that is best on validation
records, where here the last one is kept. Answering: every answer is replaced by the model's answer to a
random record, put into the order of the true one (section IV-C): a pipeline of both is
`mechanisms = ["hamp", "hamp-output"]`.
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
    """Training of HAMP: soft labels of high entropy, and a reward for uncertain answers."""

    name: ClassVar[str] = "hamp"
    paper: ClassVar[str] = "Chen, Pattabiraman 2024, arXiv 2307.01610"

    entropy: float = Field(
        0.9, gt=0, lt=1, description="of the soft labels, as a share of the largest (gamma)"
    )
    weight: float = Field(0.01, ge=0, description="of the answers' entropy in the loss (alpha)")

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """KL(soft label || answer) - weight H(answer), in nats, per example (batch,)."""
        from torch.nn import functional

        log_p = forward(batch.x).float().log_softmax(-1)
        classes = log_p.shape[-1]
        top = top_probability(self.entropy, classes)
        rest = (1 - top) / (classes - 1)
        soft = rest + (top - rest) * functional.one_hot(batch.y, classes)
        divergence = -entropy_of(top, classes) - (soft * log_p).sum(-1)
        entropy = -(log_p.exp() * log_p).sum(-1)
        return divergence - self.weight * entropy


class HampOutput(OutputMechanism):
    """Answering of HAMP: the answer to a random record, put into the order of the true answer.

    Every query gets the answer to a random record of its own: uniform numbers for images, fair bits for
    binary features, one category a column and standard normal numbers for tables.
    """

    name: ClassVar[str] = "hamp-output"
    paper: ClassVar[str] = "Chen, Pattabiraman 2024, arXiv 2307.01610, section IV-C"

    fitted: ClassVar[bool] = True
    reads_members: ClassVar[bool] = False

    def apply(
        self, probabilities: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Not possible without the model."""
        raise TypeError(f"{self.name} asks the model: use fit")

    def fit(self, context: OutputContext, rng: np.random.Generator) -> OutputTransform:
        """What answers in the place of a model."""

        def answer(
            probabilities: NDArray[np.float64], rng: np.random.Generator
        ) -> NDArray[np.float64]:
            random = context.query(random_records(context.spec, len(probabilities), rng))
            return in_order_of(random, probabilities)

        return answer


def top_probability(share: float, classes: int) -> float:
    """The label's probability, with the rest spread evenly, whose entropy is ``share`` log(classes).

    By bisection: the entropy falls from log(classes) at 1 / classes to 0 at 1.
    """
    low, high = 1 / classes, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if entropy_of(middle, classes) > share * math.log(classes):
            low = middle
        else:
            high = middle
    return low


def entropy_of(top: float, classes: int) -> float:
    """Entropy in nats of one probability ``top`` and the rest spread evenly over the other classes."""
    rest = (1 - top) / (classes - 1)
    parts = [top, *[rest] * (classes - 1)]
    return -sum(p * math.log(p) for p in parts if p > 0)


def in_order_of(values: NDArray[np.float64], order: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row of ``values`` (n, classes) rearranged so that it ranks the classes as ``order`` does."""
    import numpy as np

    result = np.empty_like(values)
    ranked = np.argsort(-order, axis=1, kind="stable")  # of equal ones the first, as argmax has it
    np.put_along_axis(result, ranked, -np.sort(-values, axis=1), axis=1)
    return result


def random_records(spec: DataSpec, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Records (n, *shape) that no one was trained on: each feature drawn by itself."""
    import numpy as np

    shape = (n, *spec.shape)
    if spec.kind == "image":
        return rng.random(shape, dtype=np.float32)
    if spec.kind == "binary":
        return rng.integers(0, 2, shape).astype(np.float32)
    records = rng.standard_normal(shape, dtype=np.float32)
    for column in spec.columns:
        if column.type == "categorical":
            first, end = column.features
            records[:, first:end] = np.eye(end - first)[rng.integers(0, end - first, n)]
    return records
