"""The distribution from which a variational autoencoder draws the codes and labels of new records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassPrior:
    """A diagonal Gaussian over codes for each class, and the class frequencies.

    Codes drawn from N(0, I) would carry no label. Instead, the label is drawn first, and the code from
    the Gaussian of that class. A class without records has frequency 0.
    """

    frequency: NDArray[np.float64]  # (classes,)
    mean: NDArray[np.float32]  # (classes, latent_dim)
    sd: NDArray[np.float32]  # (classes, latent_dim)

    @classmethod
    def fit(
        cls,
        mean: NDArray[np.float32],
        variance: NDArray[np.float32],
        y: NDArray[np.int64],
        n_classes: int,
    ) -> ClassPrior:
        """Return the moments of the aggregate posterior of each class.

        Args:
            mean: Means (n, latent_dim) of the records' posteriors.
            variance: Variances (n, latent_dim) of the records' posteriors.
            y: Labels (n,).
            n_classes: Number of classes.
        """
        # In float64, since the difference of squares cancels where codes lie far from 0.
        exact = mean.astype(np.float64)
        in_class = np.eye(n_classes)[:, y]  # (classes, n)
        count = np.maximum(in_class.sum(1, keepdims=True), 1)  # (classes, 1)
        first = in_class @ exact / count
        second = in_class @ (exact**2 + variance) / count
        sd = np.sqrt(np.maximum(second - first**2, 0))
        frequency = np.bincount(y, minlength=n_classes) / len(y)
        return cls(frequency, first.astype(np.float32), sd.astype(np.float32))

    @classmethod
    def standard(cls, latent_dim: int, n_classes: int) -> ClassPrior:
        """Return N(0, I) for each of ``n_classes`` equally frequent classes; it depends on no record."""
        mean = np.zeros((n_classes, latent_dim), np.float32)
        return cls(np.full(n_classes, 1 / n_classes), mean, np.ones_like(mean))

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Draw codes (n, latent_dim) and their labels (n,)."""
        y = rng.choice(len(self.frequency), size=n, p=self.frequency).astype(np.int64)
        noise = rng.standard_normal((n, self.mean.shape[1]), dtype=np.float32)
        return self.mean[y] + self.sd[y] * noise, y
