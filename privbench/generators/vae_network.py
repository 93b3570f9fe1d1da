"""The network and the loss of the variational autoencoder. Imports torch: import it lazily.

The likelihood of a feature follows from the data (``DataSpec``):
- pixels in [0, 1] and binary features: Bernoulli;
- the one-hot features of a categorical column: one categorical distribution;
- numeric features: Gaussian with a learned variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from privbench.data import DataSpec
from privbench.engine import Batch, Forward, Loss

LOG_VARIANCE_FLOOR = -8.0
"""Floor for numeric features: one that is predicted exactly would have an infinite likelihood."""
FILTERS = 16
"""Filters of the first convolution; the second has twice as many."""


@dataclass(frozen=True)
class Reconstruction:
    """What the network computes for a batch."""

    outputs: Tensor
    """Decoder outputs (batch, features): logits, or means of numeric features."""
    mean: Tensor
    """Means (batch, latent_dim) of the posteriors."""
    log_variance: Tensor
    """Log-variances (batch, latent_dim) of the posteriors."""
    numeric_log_variance: Tensor
    """Log-variances (numeric features,) of the likelihood."""


class VaeNetwork(nn.Module):
    """Encoder and decoder with one hidden layer of ReLUs each.

    With ``convolutional``, two convolutions of an image come before the hidden layer, and two
    transposed convolutions after it. With ``conditional``, encoder and decoder also read the label
    (Sohn et al. 2015, "Learning Structured Output Representation using Deep Conditional Generative
    Models").
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: int,
        hidden: int,
        *,
        conditional: bool = False,
        convolutional: bool = False,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.n_labels = spec.n_classes if conditional else 0
        width = spec.n_features
        first: nn.Module = nn.Flatten()
        last: nn.Module = nn.Linear(hidden, width)
        if convolutional:
            first = _Convolutions(spec.shape)
            width, last = first.width, _TransposedConvolutions(spec.shape, hidden)
        self.body = nn.Sequential(first, nn.Linear(width + self.n_labels, hidden), nn.ReLU())
        self.posterior = nn.Linear(hidden, 2 * latent_dim)
        self.decoder = nn.Sequential(nn.Linear(latent_dim + self.n_labels, hidden), nn.ReLU(), last)
        self.numeric_log_variance = nn.Parameter(torch.zeros(len(spec.numeric_features)))

    def forward(self, x: Tensor, noise: Tensor, y: Tensor | None = None) -> Reconstruction:
        """Encode records (batch, *shape), draw codes by ``noise`` (batch, latent_dim), decode them."""
        mean, log_variance = self.encode(x, y)
        code = mean + (0.5 * log_variance).exp() * noise
        floored = self.numeric_log_variance.clamp_min(LOG_VARIANCE_FLOOR)
        outputs = self.decoder(self._with_label(code, y))
        return Reconstruction(outputs, mean, log_variance, floored)

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return means and log-variances (batch, latent_dim) of the posteriors of records."""
        first, linear, relu = self.body
        hidden = relu(linear(self._with_label(first(x), y)))
        mean, log_variance = self.posterior(hidden).chunk(2, -1)
        return mean, log_variance

    def decode(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the expected records (batch, *shape): probabilities, or means of numeric features."""
        return expected_records(self.decoder(self._with_label(codes, y)), self.spec)

    def _with_label(self, values: Tensor, y: Tensor | None) -> Tensor:
        """Append the one-hot label to ``values`` (batch, k) if the network is conditional."""
        if not self.n_labels:
            return values
        if y is None:
            raise TypeError("a conditional network needs the labels")
        # Not functional.one_hot: it reads the values of the labels, which vmap does not allow.
        one_hot = y[:, None] == torch.arange(self.n_labels, device=y.device)
        return torch.cat([values, one_hot.to(values.dtype)], -1)


def expected_records(outputs: Tensor, spec: DataSpec) -> Tensor:
    """Return the records (batch, *shape) that a network's outputs (batch, features) stand for.

    Pixels, binary features and one-hot categories become probabilities; numbers stay as they are.
    """
    if spec.kind != "tabular":
        records = outputs.sigmoid()
    else:
        records = outputs.clone()
        for first, end in spec.categorical_blocks:
            records[:, first:end] = outputs[:, first:end].softmax(-1)
    return records.view(len(outputs), *spec.shape)


class _Convolutions(nn.Module):
    """Two convolutions with stride 2: images to features (batch, width)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        depth, height, width = shape
        self.width = 2 * FILTERS * _quarter(height) * _quarter(width)
        self.layers = nn.Sequential(
            nn.Conv2d(depth, FILTERS, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(FILTERS, 2 * FILTERS, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.layers(x)
        return features


class _TransposedConvolutions(nn.Module):
    """Two transposed convolutions with stride 2: (batch, hidden) to outputs (batch, features)."""

    def __init__(self, shape: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        depth, self.height, self.width = shape
        small = (2 * FILTERS, _quarter(self.height), _quarter(self.width))
        self.layers = nn.Sequential(
            nn.Linear(hidden, math.prod(small)), nn.ReLU(), nn.Unflatten(1, small),
            nn.ConvTranspose2d(2 * FILTERS, FILTERS, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(FILTERS, depth, 4, stride=2, padding=1),
        )  # fmt: skip

    def forward(self, hidden: Tensor) -> Tensor:
        image: Tensor = self.layers(hidden)
        return image[..., : self.height, : self.width].flatten(1)


def _quarter(side: int) -> int:
    """Return the side of an image after two convolutions with stride 2, which round up."""
    return -(-side // 4)


def elbo_loss(spec: DataSpec, beta: float) -> Loss:
    """Return the loss of a VAE: the negative ELBO in nats, with the KL term times ``beta``.

    The ELBO is equation 3 of Kingma, Welling 2014. The likelihood term is estimated with one code per
    record, drawn by the batch's random inputs; the KL term has a closed form.
    """

    def loss(forward: Forward, batch: Batch) -> Tensor:
        reconstruction: Reconstruction = forward(batch.x, batch.random_inputs, batch.y)
        fit = negative_log_likelihood(reconstruction, spec, batch.x.flatten(1))
        return fit + beta * kl(reconstruction.mean, reconstruction.log_variance)

    return loss


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, I)) per example (batch,), in nats."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def negative_log_likelihood(reconstruction: Reconstruction, spec: DataSpec, x: Tensor) -> Tensor:
    """Return -log p(x | code) per example (batch,), in nats, for flat records (batch, features)."""
    outputs = reconstruction.outputs
    total = outputs.new_zeros(len(x))
    if spec.kind != "tabular":
        # By softplus, since vmap decomposes binary_cross_entropy_with_logits.
        total = total + (functional.softplus(outputs) - x * outputs).sum(-1)
    for first, end in spec.categorical_blocks:
        total = total - (x[:, first:end] * outputs[:, first:end].log_softmax(-1)).sum(-1)
    if spec.numeric_features:
        numeric = torch.tensor(spec.numeric_features, device=x.device)
        error = x.index_select(-1, numeric) - outputs.index_select(-1, numeric)
        log_v = reconstruction.numeric_log_variance
        nll = error.square() * (-log_v).exp() + log_v + math.log(2 * math.pi)
        total = total + 0.5 * nll.sum(-1)
    return total
