"""The variational autoencoder: the generator of the metric-privacy defense, and a defense of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench.data import Data, DataSpec
from privbench.generators.base import FittedGenerator, Generator, Progress

if TYPE_CHECKING:
    from torch import nn

    from privbench.engine import Population
    from privbench.generators.vae_network import VaeNetwork

WEIGHT = "network."
"""Prefix of the network's weights in a stored state."""
PRIOR = ("frequency", "mean", "sd")
"""Names of the class prior's arrays in a stored state."""


@dataclass(frozen=True)
class ClassPrior:
    """Where the codes of each class lie: a diagonal Gaussian per class, and how frequent classes are.

    Drawing codes from N(0, I) would say nothing of labels, so ``sample`` draws the label first and the
    code from this. A class without records has frequency 0.
    """

    frequency: NDArray[np.float64]  # (classes,)
    mean: NDArray[np.float32]  # (classes, latent_dim)
    sd: NDArray[np.float32]  # (classes, latent_dim)

    @classmethod
    def fit(
        cls, mean: NDArray[np.float32], variance: NDArray[np.float32], y: NDArray[np.int64], k: int
    ) -> ClassPrior:
        """Moments of the codes' aggregate posterior in each of ``k`` classes.

        ``mean`` and ``variance`` (n, latent_dim) are those of each record's posterior.
        """
        # in float64: codes far from 0 with a small spread would lose it in the difference of squares
        exact = mean.astype(np.float64)
        members = np.eye(k)[:, y]  # (classes, n)
        count = np.maximum(members.sum(1, keepdims=True), 1)  # (classes, 1)
        first = members @ exact / count
        second = members @ (exact**2 + variance) / count
        sd = np.sqrt(np.maximum(second - first**2, 0))
        frequency = np.bincount(y, minlength=k) / len(y)
        return cls(frequency, first.astype(np.float32), sd.astype(np.float32))

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Codes (n, latent_dim) and their labels (n,)."""
        y = rng.choice(len(self.frequency), size=n, p=self.frequency).astype(np.int64)
        noise = rng.standard_normal((n, self.mean.shape[1]), dtype=np.float32)
        return self.mean[y] + self.sd[y] * noise, y


class FittedVae(FittedGenerator):
    """A trained network with the class prior of its training set."""

    def __init__(self, network: VaeNetwork, prior: ClassPrior, spec: DataSpec) -> None:
        self._network = network
        self._prior = prior
        self._spec = spec

    def encode(self, data: Data) -> NDArray[np.float32]:
        """Means of the codes' posterior (n, latent_dim)."""
        return posterior(self._network, data.x)[0]

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Expected records (n, *shape): probabilities of binary, image and one-hot features."""
        import torch

        with torch.no_grad():
            records = self._network.decode(torch.tensor(codes, dtype=torch.float32))
        return records.numpy()

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Labels by their frequency, codes from the label's Gaussian, decoded."""
        codes, y = self._prior.sample(n, rng)
        return Data(self.decode(codes), y, self._spec)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Network and class prior as arrays."""
        weights = {WEIGHT + name: t.numpy() for name, t in self._network.state_dict().items()}
        return {**weights, **{name: getattr(self._prior, name) for name in PRIOR}}


class Vae(Generator):
    """Variational autoencoder with a dense encoder and decoder."""

    name: ClassVar[str] = "vae"
    paper: ClassVar[str] = "Kingma, Welling 2014, arXiv 1312.6114"

    latent_dim: int = Field(16, ge=1, description="dimensions of a code")
    hidden: int = Field(256, ge=1, description="units of the hidden layer, on either side")
    beta: float = Field(1.0, ge=0, description="weight of the KL term")
    epochs: int = Field(50, ge=1, description="passes over the training set")
    batch_size: int = Field(64, ge=1, description="records a step")
    lr: float = Field(1e-3, gt=0, description="learning rate of Adam")

    def fit(self, data: Data, rng: np.random.Generator) -> FittedVae:
        """Fit on one training set, on the CPU."""
        return self.fit_population([data], [rng], "cpu", lambda done, total: None)[0]

    def fit_population(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> list[FittedVae]:
        """Fit one network per training set, all at once; sets of several sizes one after another."""
        if len({len(data) for data in sets}) > 1:
            return self._one_after_another(sets, rngs, device, progress)
        population = self._train(sets, rngs, device, progress)
        return [self._fitted(population.module(i), data) for i, data in enumerate(sets)]

    def _one_after_another(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> list[FittedVae]:
        fitted: list[FittedVae] = []
        for data, rng in zip(sets, rngs, strict=True):
            fitted += self.fit_population([data], [rng], device, lambda done, total: None)
            progress(len(fitted), len(sets))
        return fitted

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedVae:
        """The inverse of ``FittedVae.state``. Raises ValueError if it is of another network."""
        from privbench.engine import Population

        arrays = dict(state)
        prior = ClassPrior(*(cast(Any, arrays.pop(name)) for name in PRIOR))
        weights = {name.removeprefix(WEIGHT): array[None] for name, array in arrays.items()}
        network = Population.from_state(self._build(spec), weights).module(0)
        return FittedVae(cast("VaeNetwork", network), prior, spec)

    def _build(self, spec: DataSpec) -> Callable[[], VaeNetwork]:
        from privbench.generators.vae_network import VaeNetwork

        return lambda: VaeNetwork(spec, self.latent_dim, self.hidden)

    def _train(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> Population:
        from privbench.engine import Recipe, TrainingSets, normal, train_population
        from privbench.generators.vae_network import elbo_loss

        spec = sets[0].spec
        return train_population(
            self._build(spec),
            TrainingSets.own(np.stack([d.x for d in sets]), np.stack([d.y for d in sets])),
            Recipe("adam", self.lr, 0.0, 0.0, self.epochs, self.batch_size),
            [int(rng.integers(2**63)) for rng in rngs],
            loss=elbo_loss(spec, self.beta),
            noise=normal(self.latent_dim),
            device=device,
            progress=progress,
        )

    def _fitted(self, module: nn.Module, data: Data) -> FittedVae:
        network = cast("VaeNetwork", module.cpu())
        mean, variance = posterior(network, data.x)
        prior = ClassPrior.fit(mean, variance, data.y, data.spec.n_classes)
        return FittedVae(network, prior, data.spec)


def posterior(
    network: VaeNetwork, x: NDArray[np.float32], batch_size: int = 4096
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means and variances (n, latent_dim) of the codes' posterior for records (n, *shape)."""
    import torch

    with torch.no_grad():
        parts = [
            network.encode(torch.tensor(x[start : start + batch_size]))
            for start in range(0, len(x), batch_size)
        ]
    mean = torch.cat([part[0] for part in parts])
    return mean.numpy(), torch.cat([part[1] for part in parts]).exp().numpy()
