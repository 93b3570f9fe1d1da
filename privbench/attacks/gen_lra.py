"""Gen-LRA: the influence of a record on the likelihood of the synthetic records around it.

Ward, Wang, Cheng 2025, "Privacy Auditing Synthetic Data Release through Local Likelihood Attacks", arXiv
2508.21146. The adversary estimates a density from reference records R, and once more from R and the
attacked record x. The score is the log-likelihood ratio of the k synthetic records nearest to x:

    sum over s of log p(s | R and x) - log p(s | R)

A generator that overfits to x puts records where only x explains them. Densities are Gaussian kernel
density estimates, as in the paper's kernel variant.

Deviations: densities are estimated on whitened principal components of R, and adding x does not change
the bandwidth. One more record then moves p(s | R) to (n p(s | R) + K(s - x)) / (n + 1), so that no
density has to be estimated for each record.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.base import NeedsShadows
from privbench.attacks.synthetic import (
    BatchedSyntheticAttack,
    Floats,
    SyntheticViews,
    log_density,
    principal,
    scotts_width,
)


class GenLra(BatchedSyntheticAttack):
    """Influence of the record on the likelihood of nearby synthetic records."""

    name: ClassVar[str] = "gen-lra"
    paper: ClassVar[str] = "Ward, Wang, Cheng 2025, arXiv 2508.21146"
    needs_shadows: ClassVar[NeedsShadows] = "no"

    neighbours: int = Field(
        5, ge=1, description="number of nearest synthetic records whose likelihood counts"
    )
    dimensions: int = Field(
        40, ge=1, description="number of principal components on which densities are estimated"
    )
    bandwidth: float | None = Field(
        None,
        gt=0,
        description="bandwidth of the kernels, in standard deviations; by default Scott's rule",
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Return scores (targets, n_pool), in nats."""
        project = principal(views.reference.x, self.dimensions)
        points, reference = project(views.records), project(views.reference.x)
        width = self.bandwidth or scotts_width(reference)
        scores = np.empty((len(views), len(points)))
        for target, data in enumerate(views.targets):
            scores[target] = self._ratios(points, project(data.x), reference, width)
            views.progress(target + 1, len(views))
        return scores

    def _ratios(
        self,
        points: NDArray[np.float32],
        synthetic: NDArray[np.float32],
        reference: NDArray[np.float32],
        width: float,
    ) -> Floats:
        """Return the log-likelihood ratio (n,) of each point; all records are projected."""
        import torch

        from privbench.engine import as_tensor

        a, b = as_tensor(points), as_tensor(synthetic)
        without = torch.as_tensor(log_density(synthetic, reference, width))
        n, d = reference.shape
        constant, kept = d * np.log(width * np.sqrt(2 * np.pi)), min(self.neighbours, len(b))
        ratios = []
        for part in torch.split(a, 256):  # so that the distances stay in the cache
            near = torch.cdist(part, b).topk(kept, dim=1, largest=False)
            kernel = near.values.double().square() * (-0.5 / width**2) - constant
            # (n p + K) / ((n + 1) p), from logarithms, since p may underflow
            gain = kernel - without[near.indices] - np.log(n)
            ratios.append(torch.log1p(gain.exp()).where(gain < 30, gain).sum(1))
        found: Floats = torch.cat(ratios).numpy() + kept * np.log(n / (n + 1))
        return found
