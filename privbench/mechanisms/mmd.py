"""MMD with mixup: Li, Li, Ribeiro 2021, "Membership Inference Attacks and Defenses in
Classification Models", arXiv 2002.12062, section 5.

The loss penalises the maximum mean discrepancy (Gretton et al. 2012, "A Kernel Two-Sample Test")
between the outputs on training records and those on reference records of the same classes. The gradient
flows through the outputs on training records only.

The published code alternates between steps of the loss and of the penalty. It skips the penalty in the
last epoch, and where training accuracy is less than 3 points above that on the reference records. Here
both are one loss.
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
    """Matches outputs on training and reference records (MMD)."""

    name: ClassVar[str] = "mmd"
    paper: ClassVar[str] = "Li, Li, Ribeiro 2021, arXiv 2002.12062"
    uses_reference: ClassVar[bool] = True

    weight: float = Field(1.0, gt=0, description="weight of the discrepancy in the loss")
    bandwidth: float = Field(
        0.5, gt=0, description="bandwidth of the Gaussian kernel on class probabilities"
    )
    mixup_alpha: float = Field(
        1.0, ge=0, description="alpha of mixup, which the paper combines it with; 0 for none"
    )

    def random_inputs(self, rng: np.random.Generator, m: int) -> NDArray[np.float32] | None:
        """Return the share (m, 1) of each record in its mixture; None without mixup."""
        return shares(self.mixup_alpha, rng, m) if self.mixup_alpha else None

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """Return the cross-entropy per example (batch,), plus the weighted discrepancy of the batch."""
        from privbench.engine import cross_entropy

        assert batch.other_x is not None
        assert batch.other_y is not None
        fit = (
            mixed_cross_entropy(forward, batch)
            if self.mixup_alpha
            else cross_entropy(forward, batch)
        )
        member, reference = (forward(x).float().softmax(-1) for x in (batch.x, batch.other_x))
        penalty = discrepancy(member, batch.y, reference.detach(), batch.other_y, self.bandwidth)
        return fit + self.weight * penalty


def discrepancy(a: Tensor, y_a: Tensor, b: Tensor, y_b: Tensor, bandwidth: float) -> Tensor:
    """Return the squared MMD between outputs of the same class, averaged over the classes.

    The kernel is Gaussian. The estimate is the unbiased one (Gretton et al. 2012, equation 3), which may
    be negative: with few records per class, the biased one would mainly reward outputs that are alike.

    Args:
        a: Outputs (n, classes).
        y_a: Labels (n,) of ``a``.
        b: Outputs (m, classes).
        y_b: Labels (m,) of ``b``.
        bandwidth: Bandwidth of the kernel.

    Returns:
        A scalar. Classes with fewer than two records in ``a`` or ``b`` do not count.
    """
    from torch.nn.functional import one_hot

    in_class = [one_hot(y, a.shape[-1]).to(a.dtype) for y in (y_a, y_b)]
    counts = [labels.sum(0) for labels in in_class]
    share_a, share_b = (
        labels / count.clamp_min(1) for labels, count in zip(in_class, counts, strict=True)
    )

    def mean(p: Tensor, share_p: Tensor, q: Tensor, share_q: Tensor) -> Tensor:
        distance = (p[:, None] - q[None]).square().sum(-1)
        kernel = (-distance / (2 * bandwidth**2)).exp()
        return (share_p * (kernel @ share_q)).sum(0)  # (classes,)

    n, m = counts
    within = [  # without the pairs of a record with itself, whose kernel is one
        (count * mean(p, share, p, share) - 1) / (count - 1).clamp_min(1)
        for p, share, count in ((a, share_a, n), (b, share_b, m))
    ]
    both = ((n > 1) & (m > 1)).to(a.dtype)
    squared = (within[0] + within[1] - 2 * mean(a, share_a, b, share_b)) * both
    return squared.sum() / both.sum().clamp_min(1)
