"""The dense network of the variational autoencoder, and its loss. Imports torch: import it lazily.

Which likelihood a feature has follows from the data: Bernoulli for binary features and images in
[0, 1], one categorical distribution for the one-hot block of a categorical column, Gaussian with a
learned variance for numeric columns.
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
"""Of numeric features: one that the decoder gets exactly right would make the likelihood infinite."""


@dataclass(frozen=True)
class Features:
    """Which features have which likelihood: indices into the flattened record."""

    bernoulli: tuple[int, ...]
    numeric: tuple[int, ...]
    blocks: tuple[tuple[int, int], ...]
    """Half-open ranges of one-hot features."""

    @classmethod
    def of(cls, spec: DataSpec) -> Features:
        """The likelihoods that fit such data."""
        every = range(math.prod(spec.shape))
        if spec.kind != "tabular":
            return cls(tuple(every), (), ())
        blocks = tuple(c.features for c in spec.columns if c.type == "categorical")
        one_hot = {i for first, end in blocks for i in range(first, end)}
        return cls((), tuple(i for i in every if i not in one_hot), blocks)


@dataclass(frozen=True)
class Reconstruction:
    """What the network says of a batch: decoder outputs (batch, features), the code's posterior."""

    outputs: Tensor
    mean: Tensor  # (batch, latent_dim)
    log_variance: Tensor  # (batch, latent_dim)
    numeric_log_variance: Tensor  # (numeric features,)


class VaeNetwork(nn.Module):
    """Encoder and decoder with one hidden layer of ReLUs each."""

    def __init__(self, spec: DataSpec, latent_dim: int, hidden: int) -> None:
        super().__init__()
        width = math.prod(spec.shape)
        self.shape = spec.shape
        self.features = Features.of(spec)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(width, hidden), nn.ReLU())
        self.posterior = nn.Linear(hidden, 2 * latent_dim)
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, width)
        )
        self.numeric_log_variance = nn.Parameter(torch.zeros(len(self.features.numeric)))

    def forward(self, x: Tensor, noise: Tensor) -> Reconstruction:
        """Encode records (batch, *shape), draw a code with ``noise`` (batch, latent_dim), decode it."""
        mean, log_variance = self.encode(x)
        code = mean + (0.5 * log_variance).exp() * noise
        floored = self.numeric_log_variance.clamp_min(LOG_VARIANCE_FLOOR)
        return Reconstruction(self.decoder(code), mean, log_variance, floored)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (batch, latent_dim) of the posterior of the codes."""
        mean, log_variance = self.posterior(self.body(x)).chunk(2, -1)
        return mean, log_variance

    def decode(self, codes: Tensor) -> Tensor:
        """Expected records (batch, *shape): probabilities, or means of numeric features."""
        outputs: Tensor = self.decoder(codes)  # (batch, features)
        records = outputs.clone()
        bernoulli = list(self.features.bernoulli)
        records[:, bernoulli] = outputs[:, bernoulli].sigmoid()
        for first, end in self.features.blocks:
            records[:, first:end] = outputs[:, first:end].softmax(-1)
        return records.view(len(codes), *self.shape)


def elbo_loss(spec: DataSpec, beta: float) -> Loss:
    """The loss: minus the evidence lower bound in nats, with the KL term times ``beta``.

    One code per record, drawn with the loss's noise, estimates the likelihood term; the KL term is
    in closed form.
    """
    features = Features.of(spec)

    def loss(forward: Forward, batch: Batch) -> Tensor:
        said: Reconstruction = forward(batch.x, batch.noise)
        fit = negative_log_likelihood(said, features, batch.x.flatten(1))
        return fit + beta * kl(said.mean, said.log_variance)

    return loss


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, I)) per example (batch,), in nats."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def negative_log_likelihood(said: Reconstruction, features: Features, x: Tensor) -> Tensor:
    """Minus log p(x | code) per example (batch,), in nats, of flat records (batch, features)."""
    outputs = said.outputs
    total = outputs.new_zeros(len(x))
    if features.bernoulli:
        # softplus, and not binary_cross_entropy_with_logits, which vmap takes apart
        total = total + (functional.softplus(outputs) - x * outputs).sum(-1)
    for first, end in features.blocks:
        total = total - (x[:, first:end] * outputs[:, first:end].log_softmax(-1)).sum(-1)
    if features.numeric:
        numeric = torch.tensor(features.numeric, device=x.device)
        error = x.index_select(-1, numeric) - outputs.index_select(-1, numeric)
        log_v = said.numeric_log_variance
        total = total + 0.5 * (error.square() * (-log_v).exp() + log_v + math.log(2 * math.pi)).sum(
            -1
        )
    return total
