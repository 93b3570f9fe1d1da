"""MMD with mixup: Li, Li, Ribeiro 2021, "Membership Inference Attacks and Defenses in
Classification Models", arXiv 2002.12062, section 5.

The answers on training records are held close to those on records of the same classes that the model
is not trained on, by the maximum mean discrepancy between the two (Gretton et al. 2012). It moves the
answers on training records only. The published code takes its steps in turn with those of the loss,
only where training accuracy is 3 points above that of the other records, and not in the last epoch;
here both are one loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import PerExampleLoss
from privbench.mechanisms.mixup import mixed_cross_entropy, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from privbench.engine import Batch


class Mmd(PerExampleLoss):
    """Holds the answers on training records close to those on reference records of the same classes."""

    name: ClassVar[str] = "mmd"
    paper: ClassVar[str] = "Li, Li, Ribeiro 2021, arXiv 2002.12062"
    uses_reference: ClassVar[bool] = True

    weight: float = Field(1.0, gt=0, description="of the discrepancy in the loss")
    bandwidth: float = Field(
        0.5, gt=0, description="of the Gaussian kernel between probability vectors"
    )
    mixup_alpha: float = Field(
        1.0, ge=0, description="of the mixup that the paper combines it with; 0 for none"
    )

    def noise(self, rng: np.random.Generator, m: int) -> NDArray[np.float32] | None:
        """The share of each record in its mixture."""
        return shares(self.mixup_alpha, rng, m) if self.mixup_alpha else None

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Cross-entropy per example (batch,), plus the weighted discrepancy of the batch."""
        from privbench.engine import cross_entropy

        assert batch.other_x is not None
        assert batch.other_y is not None
        fit = (
            mixed_cross_entropy(forward, batch)
            if self.mixup_alpha
            else cross_entropy(forward, batch)
        )
        own, other = (forward(x).float().softmax(-1) for x in (batch.x, batch.other_x))
        extra = discrepancy(own, batch.y, other.detach(), batch.other_y, self.bandwidth)
        return fit + self.weight * extra


def discrepancy(a: Tensor, y_a: Tensor, b: Tensor, y_b: Tensor, bandwidth: float) -> Tensor:
    """Squared MMD between answers ``a`` (n, classes) and ``b`` of one class, mean over the classes.

    With a Gaussian kernel, and by the unbiased estimate (Gretton et al. 2012, equation 3), which may be
    negative: batches hold a few records of a class, and the biased one would above all reward answers
    that are alike. Classes with fewer than two answers in ``a`` or ``b`` do not count. A kernel that is
    zero between classes would make one discrepancy of all, weaker by the number of classes.
    """
    from torch.nn.functional import one_hot

    classes = [one_hot(y, a.shape[-1]).to(a.dtype) for y in (y_a, y_b)]
    counts = [one.sum(0) for one in classes]
    share_a, share_b = (one / n.clamp_min(1) for one, n in zip(classes, counts, strict=True))

    def mean(p: Tensor, share_p: Tensor, q: Tensor, share_q: Tensor) -> Tensor:
        distance = (p[:, None] - q[None]).square().sum(-1)
        kernel = (-distance / (2 * bandwidth**2)).exp()
        return (share_p * (kernel @ share_q)).sum(0)  # (classes,)

    n, m = counts
    within = [  # without the pairs of an answer with itself, whose kernel is one
        (count * mean(p, share, p, share) - 1) / (count - 1).clamp_min(1)
        for p, share, count in ((a, share_a, n), (b, share_b, m))
    ]
    both = ((n > 1) & (m > 1)).to(a.dtype)
    squared = (within[0] + within[1] - 2 * mean(a, share_a, b, share_b)) * both
    return squared.sum() / both.sum().clamp_min(1)
