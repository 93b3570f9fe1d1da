"""DOMIAS: van Breugel, Sun, Qian, van der Schaar 2023, arXiv 2302.12580, equation 2.

The density of a record under the synthetic data over its density under reference data: local
overfitting, and not merely a dense region. Densities are those of Gaussian kernels on principal
components, as in the paper's kernel variant.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.attacks.synthetic import (
    BatchedSyntheticAttack,
    Floats,
    SyntheticViews,
    principal,
)


class Domias(BatchedSyntheticAttack):
    """Log-ratio of the densities of synthetic and of reference records."""

    name: ClassVar[str] = "domias"
    paper: ClassVar[str] = "van Breugel et al. 2023, arXiv 2302.12580"

    dimensions: int = Field(10, ge=1, description="principal components that densities are of")
    bandwidth: float | None = Field(
        None, gt=0, description="of the kernels, in standard deviations; Scott's rule by default"
    )

    def score_all(self, views: SyntheticViews) -> Floats:
        """Scores (targets, n_pool)."""
        project = principal(views.reference.x, self.dimensions)
        points = project(views.records)
        usual = self._log_density(points, project(views.reference.x))
        scores = np.empty((len(views), len(points)))
        for target, data in enumerate(views.targets):
            scores[target] = self._log_density(points, project(data.x)) - usual
            views.progress(target + 1, len(views))
        return scores

    def _log_density(self, points: NDArray[np.float32], data: NDArray[np.float32]) -> Floats:
        """Log-density (n,) at ``points`` (n, d) of Gaussian kernels on ``data`` (m, d)."""
        import torch

        from privbench.engine.arrays import as_tensor

        m, d = data.shape
        width = self.bandwidth or m ** (-1 / (d + 4))
        a, b = as_tensor(points), as_tensor(data)
        parts = [
            torch.cdist(part, b).square().mul_(-0.5 / width**2).logsumexp(1)
            for part in torch.split(a, 256)  # so that the distances stay in the cache
        ]
        constant = np.log(m) + d * np.log(width * np.sqrt(2 * np.pi))
        density: Floats = torch.cat(parts).double().numpy() - constant
        return density
