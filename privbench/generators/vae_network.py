"""The networks of the variational autoencoder, and its loss. Imports torch: import it lazily.

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
FILTERS = 16
"""Of the first convolution; the second has twice as many."""


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
    """Encoder and decoder with one hidden layer of ReLUs each; for images with two convolutions.

    A ``conditional`` one is told the label on either side (Sohn et al. 2015).
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
        self.shape = spec.shape
        self.features = Features.of(spec)
        self.labels = spec.n_classes if conditional else 0
        width = math.prod(spec.shape)
        seen: nn.Module = nn.Flatten()
        drawn: nn.Module = nn.Linear(hidden, width)
        if convolutional:
            seen = _Convolutions(spec.shape)
            width, drawn = seen.width, _Deconvolutions(spec.shape, hidden)
        self.body = nn.Sequential(seen, nn.Linear(width + self.labels, hidden), nn.ReLU())
        self.posterior = nn.Linear(hidden, 2 * latent_dim)
        self.decoder = nn.Sequential(nn.Linear(latent_dim + self.labels, hidden), nn.ReLU(), drawn)
        self.numeric_log_variance = nn.Parameter(torch.zeros(len(self.features.numeric)))

    def forward(self, x: Tensor, noise: Tensor, y: Tensor | None = None) -> Reconstruction:
        """Encode records (batch, *shape), draw a code with ``noise`` (batch, latent_dim), decode it."""
        mean, log_variance = self.encode(x, y)
        code = mean + (0.5 * log_variance).exp() * noise
        floored = self.numeric_log_variance.clamp_min(LOG_VARIANCE_FLOOR)
        outputs = self.decoder(self._with(code, y))
        return Reconstruction(outputs, mean, log_variance, floored)

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (batch, latent_dim) of the posterior of the codes."""
        seen, linear, relu = self.body
        hidden = relu(linear(self._with(seen(x), y)))
        mean, log_variance = self.posterior(hidden).chunk(2, -1)
        return mean, log_variance

    def decode(self, codes: Tensor, y: Tensor | None = None) -> Tensor:
        """Expected records (batch, *shape): probabilities, or means of numeric features."""
        outputs: Tensor = self.decoder(self._with(codes, y))
        records = outputs.clone()
        bernoulli = list(self.features.bernoulli)
        records[:, bernoulli] = outputs[:, bernoulli].sigmoid()
        for first, end in self.features.blocks:
            records[:, first:end] = outputs[:, first:end].softmax(-1)
        return records.view(len(codes), *self.shape)

    def _with(self, values: Tensor, y: Tensor | None) -> Tensor:
        """Values (batch, k) with the label behind, if the network is told it."""
        if not self.labels:
            return values
        if y is None:
            raise TypeError("a conditional network needs the labels")
        # no functional.one_hot: it looks at the labels, which vmap does not allow
        one_hot = y[:, None] == torch.arange(self.labels, device=y.device)
        return torch.cat([values, one_hot.to(values.dtype)], -1)


class _Convolutions(nn.Module):
    """Images to features (batch, width): two convolutions that halve the sides."""

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


class _Deconvolutions(nn.Module):
    """The way back: from (batch, hidden) to flat outputs (batch, features)."""

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
    """A side after two halvings, rounded up."""
    return -(-side // 4)


def elbo_loss(spec: DataSpec, beta: float) -> Loss:
    """The loss: minus the evidence lower bound in nats, with the KL term times ``beta``.

    One code per record, drawn with the loss's noise, estimates the likelihood term; the KL term is
    in closed form.
    """
    features = Features.of(spec)

    def loss(forward: Forward, batch: Batch) -> Tensor:
        said: Reconstruction = forward(batch.x, batch.noise, batch.y)
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
