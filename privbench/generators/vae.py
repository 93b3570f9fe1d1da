"""The variational autoencoder: the generator of the metric-privacy defense, and a defense of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from privbench.data import Data, DataSpec
from privbench.generators.base import FittedGenerator, Generator, Progress
from privbench.generators.quantiles import Quantiles
from privbench.privacy import Guarantee
from privbench.privacy.sampled_gaussian import Schedule, claim_of, noise_for

if TYPE_CHECKING:
    from torch import nn

    from privbench.engine import Population
    from privbench.generators.vae_network import VaeNetwork

WEIGHT = "network."
"""Prefix of the network's weights in a stored state."""
QUANTILES = "quantiles"
"""Name of the numeric columns' quantiles in a stored state."""
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

    @classmethod
    def standard(cls, latent_dim: int, k: int) -> ClassPrior:
        """N(0, I) for each of ``k`` equally frequent classes: what one knows without the records."""
        mean = np.zeros((k, latent_dim), np.float32)
        return cls(np.full(k, 1 / k), mean, np.ones_like(mean))

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Codes (n, latent_dim) and their labels (n,)."""
        y = rng.choice(len(self.frequency), size=n, p=self.frequency).astype(np.int64)
        noise = rng.standard_normal((n, self.mean.shape[1]), dtype=np.float32)
        return self.mean[y] + self.sd[y] * noise, y


class FittedVae(FittedGenerator):
    """A trained network with the class prior of its training set."""

    def __init__(
        self,
        network: VaeNetwork,
        prior: ClassPrior,
        spec: DataSpec,
        quantiles: Quantiles | None = None,
    ) -> None:
        self._network = network
        self._prior = prior
        self._spec = spec
        self._quantiles = quantiles

    def encode(self, data: Data) -> NDArray[np.float32]:
        """Means of the codes' posterior (n, latent_dim)."""
        return posterior(self._network, scaled(data, self._quantiles).x, data.y)[0]

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Expected records (n, *shape): probabilities of binary, image and one-hot features."""
        return self._decode(codes, None)

    def decode_labelled(
        self, codes: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """As ``decode``; a conditional network is told the labels (n,)."""
        return self._decode(codes, labels)

    def _decode(
        self, codes: NDArray[np.float32], labels: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        import torch

        y = None if labels is None else torch.tensor(labels)
        with torch.no_grad():
            records = self._network.decode(torch.tensor(codes, dtype=torch.float32), y).numpy()
        if self._quantiles is not None:
            numeric = list(self._network.features.numeric)
            records[:, numeric] = self._quantiles.from_normal(records[:, numeric])
        return records

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Labels by their frequency, codes from the label's Gaussian, decoded."""
        codes, y = self._prior.sample(n, rng)
        return Data(self._decode(codes, y), y, self._spec)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Network, class prior and quantiles as arrays."""
        weights = {WEIGHT + name: t.numpy() for name, t in self._network.state_dict().items()}
        prior = {name: getattr(self._prior, name) for name in PRIOR}
        quantiles = {} if self._quantiles is None else {QUANTILES: self._quantiles.values}
        return {**weights, **prior, **quantiles}


class Vae(Generator):
    """Variational autoencoder: Bernoulli, categorical and Gaussian features, by the kind of data."""

    name: ClassVar[str] = "vae"
    paper: ClassVar[str] = "Kingma, Welling 2014, arXiv 1312.6114"
    fits_with_dp_sgd: ClassVar[bool] = True

    latent_dim: int = Field(16, ge=1, description="dimensions of a code")
    hidden: int = Field(256, ge=1, description="units of the hidden layer, on either side")
    architecture: Literal["dense", "convolutional"] = Field(
        "dense", description="of encoder and decoder; convolutional is for images"
    )
    conditional: bool = Field(
        False, description="tell encoder and decoder the label (Sohn et al. 2015)"
    )
    numbers: Literal["gaussian", "quantile"] = Field(
        "gaussian",
        description="how numeric columns are modelled: as they are, or on the normal scale of their"
        " quantiles",
    )
    beta: float = Field(1.0, ge=0, description="weight of the KL term")
    epochs: int = Field(50, ge=1, description="passes over the training set")
    batch_size: int = Field(64, ge=1, description="records a step")
    lr: float = Field(1e-3, gt=0, description="learning rate of Adam")
    fit_epsilon: float = Field(
        8.0, gt=0, description='what fitted_on = "dp-sgd" spends on adding or removing a record'
    )
    fit_delta: float = Field(1e-5, gt=0, lt=1, description="delta of that claim")
    fit_grad_norm: float = Field(
        1.0, gt=0, description="norm to which each gradient is clipped with DP-SGD"
    )

    @model_validator(mode="after")
    def _no_parameter_without_effect(self) -> Vae:
        """Values of DP-SGD's parameters that are no defaults are refused where they are not read."""
        for name in ("fit_epsilon", "fit_delta", "fit_grad_norm"):
            value, default = getattr(self, name), type(self).model_fields[name].default
            if self.fitted_on != "dp-sgd" and value != default:
                raise ValueError(
                    f'{name}: {value:g} is read with fitted_on = "dp-sgd" only (here:'
                    f' "{self.fitted_on}")'
                )
        return self

    @model_validator(mode="after")
    def _without_the_records(self) -> Vae:
        if self.fitted_on == "dp-sgd" and self.numbers == "quantile":
            raise ValueError('numbers: "quantile" asks the private records (allowed: "gaussian")')
        if self.fitted_on == "dp-sgd" and self.release == "sample" and not self.conditional:
            raise ValueError(
                "conditional: must be true to sample with DP-SGD: else labels have to be learned from"
                " the private records' codes"
            )
        return self

    def skip(self, spec: DataSpec) -> str:
        """Convolutions need images."""
        if self.architecture == "convolutional" and spec.kind != "image":
            return f"a convolutional {self.name} needs images, and this is {spec.kind} data"
        return ""

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
        quantiles = [self._quantiles(data) for data in sets]
        given = [scaled(data, own) for data, own in zip(sets, quantiles, strict=True)]
        population = self._train(given, rngs, device, progress)
        return [
            self._fitted(population.module(i), data, own)
            for i, (data, own) in enumerate(zip(given, quantiles, strict=True))
        ]

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

        arrays: dict[str, Any] = dict(state)
        prior = ClassPrior(*(arrays.pop(name) for name in PRIOR))
        values = arrays.pop(QUANTILES, None)
        weights = {name.removeprefix(WEIGHT): array[None] for name, array in arrays.items()}
        network = Population.from_state(self._build(spec), weights).module(0)
        quantiles = None if values is None else Quantiles(values)
        return FittedVae(cast("VaeNetwork", network), prior, spec, quantiles)

    def guarantee(self, n_train: int) -> Guarantee | None:
        """DP of the fit on ``n_train`` private records, with ``fitted_on = "dp-sgd"``."""
        if self.fitted_on != "dp-sgd":
            return None
        schedule = self._schedule(n_train)
        return claim_of(self._noise(schedule), schedule, "prv")

    def _schedule(self, n: int) -> Schedule:
        size = min(self.batch_size, n)
        return Schedule(size / n, self.epochs * (n // size), self.fit_delta)

    def _noise(self, schedule: Schedule) -> float:
        return noise_for(self.fit_epsilon, schedule, "prv")

    def _quantiles(self, data: Data) -> Quantiles | None:
        """Of the numeric columns, if they are wanted and there are any."""
        numeric = numeric_features(data.spec)
        if self.numbers == "gaussian" or not numeric:
            return None
        return Quantiles.fit(data.x[:, numeric])

    def _build(self, spec: DataSpec) -> Callable[[], VaeNetwork]:
        from privbench.generators.vae_network import VaeNetwork

        return lambda: VaeNetwork(
            spec,
            self.latent_dim,
            self.hidden,
            conditional=self.conditional,
            convolutional=self.architecture == "convolutional",
        )

    def _train(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> Population:
        from privbench.engine import (
            PrivateSteps,
            Recipe,
            TrainingSets,
            normal,
            train_population,
            train_privately,
        )
        from privbench.generators.vae_network import elbo_loss

        spec = sets[0].spec
        training = TrainingSets.own(np.stack([d.x for d in sets]), np.stack([d.y for d in sets]))
        recipe = Recipe("adam", self.lr, 0.0, 0.0, self.epochs, self.batch_size)
        seeds = [int(rng.integers(2**63)) for rng in rngs]
        options: dict[str, Any] = {
            "loss": elbo_loss(spec, self.beta),
            "noise": normal(self.latent_dim),
            "device": device,
            "progress": progress,
        }
        if self.fitted_on != "dp-sgd":
            return train_population(self._build(spec), training, recipe, seeds, **options)
        schedule = self._schedule(training.m)
        rate, steps, noise = schedule.sample_rate, schedule.steps, self._noise(schedule)
        private = PrivateSteps(rate, steps, noise, self.fit_grad_norm)
        return train_privately(self._build(spec), training, recipe, private, seeds, **options)

    def _fitted(self, module: nn.Module, data: Data, quantiles: Quantiles | None) -> FittedVae:
        """With a class prior of ``data``, but not where that would tell more of it than DP-SGD does."""
        network = cast("VaeNetwork", module.cpu())
        if self.fitted_on == "dp-sgd":
            prior = ClassPrior.standard(self.latent_dim, data.spec.n_classes)
        else:
            mean, variance = posterior(network, data.x, data.y)
            prior = ClassPrior.fit(mean, variance, data.y, data.spec.n_classes)
        return FittedVae(network, prior, data.spec, quantiles)


def numeric_features(spec: DataSpec) -> list[int]:
    """The features that are numbers of a table."""
    if spec.kind != "tabular":
        return []
    one_hot = {i for c in spec.columns if c.type == "categorical" for i in range(*c.features)}
    return [i for i in range(spec.shape[0]) if i not in one_hot]


def scaled(data: Data, quantiles: Quantiles | None) -> Data:
    """The data as the network sees them.

    What is not a number of a table lies in [0, 1], or the likelihood would grow without bound; noise on
    the records (input-noise) leaves that range.
    """
    numeric = numeric_features(data.spec)
    x = data.x.clip(0, 1)
    x[:, numeric] = data.x[:, numeric]
    if quantiles is not None:
        x[:, numeric] = quantiles.to_normal(x[:, numeric])
    return Data(x, data.y, data.spec)


def posterior(
    network: VaeNetwork,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    batch_size: int = 4096,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means and variances (n, latent_dim) of the codes' posterior for records (n, *shape)."""
    import torch

    with torch.no_grad():
        parts = [
            network.encode(
                torch.tensor(x[start : start + batch_size]),
                torch.tensor(y[start : start + batch_size]),
            )
            for start in range(0, len(x), batch_size)
        ]
    mean = torch.cat([part[0] for part in parts])
    return mean.numpy(), torch.cat([part[1] for part in parts]).exp().numpy()
