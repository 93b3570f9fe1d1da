"""The variational autoencoder (VAE) as a generator: Kingma, Welling 2014, arXiv 1312.6114.

It is the generator of the metric-privacy defense, and a defense of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from privbench.data import Data, DataSpec
from privbench.generators.base import FittedGenerator, Generator, Progress
from privbench.generators.class_prior import ClassPrior
from privbench.generators.quantiles import Quantiles
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.privacy.profile import SMALLEST_DELTA
from privbench.privacy.sampled_gaussian import (
    SampledGaussianSteps,
    guarantee_of,
    noise_multiplier_for,
)

if TYPE_CHECKING:
    from torch import nn

    from privbench.engine import Population
    from privbench.generators.vae_network import VaeNetwork

WEIGHT = "network."
"""Prefix of the network's weights in a stored state."""
QUANTILES = "quantiles"
"""Name of the quantiles of numeric features in a stored state."""
PRIOR = ("frequency", "mean", "sd")
"""Names of the arrays of the class prior in a stored state."""


class FittedVae(FittedGenerator):
    """A trained network, with the class prior from which it draws new records."""

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
        """Return the means (n, latent_dim) of the records' posteriors."""
        return posterior(self._network, network_inputs(data, self._quantiles).x, data.y)[0]

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the expected records (n, *shape): binary and one-hot features are probabilities.

        Raises TypeError for a conditional network, which needs labels: see ``decode_labelled``.
        """
        return self._decode(codes, None)

    def decode_labelled(
        self, codes: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the expected records (n, *shape); a conditional network reads the labels (n,)."""
        return self._decode(codes, labels)

    def _decode(
        self, codes: NDArray[np.float32], labels: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        import torch

        y = None if labels is None else torch.tensor(labels)
        with torch.no_grad():
            records = self._network.decode(torch.tensor(codes, dtype=torch.float32), y).numpy()
        if self._quantiles is not None:
            numeric = self._spec.numeric_features
            records[:, numeric] = self._quantiles.from_normal(records[:, numeric])
        return records

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Draw labels and codes from the class prior, and decode the codes."""
        codes, y = self._prior.sample(n, rng)
        return Data(self._decode(codes, y), y, self._spec)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the network's weights, the class prior and the quantiles as arrays."""
        weights = {WEIGHT + name: t.numpy() for name, t in self._network.state_dict().items()}
        prior = {name: getattr(self._prior, name) for name in PRIOR}
        quantiles = {} if self._quantiles is None else {QUANTILES: self._quantiles.values}
        return {**weights, **prior, **quantiles}


class Vae(Generator):
    """Variational autoencoder, dense or convolutional.

    The likelihood of a feature follows from the data: Bernoulli for pixels and binary features,
    categorical for one-hot columns, Gaussian for numeric columns.
    """

    name: ClassVar[str] = "vae"
    paper: ClassVar[str] = "Kingma, Welling 2014, arXiv 1312.6114"
    fits_with_dp_sgd: ClassVar[bool] = True

    latent_dim: int = Field(16, ge=1, description="dimensions of a code")
    hidden: int = Field(256, ge=1, description="units of the hidden layer in encoder and decoder")
    architecture: Literal["dense", "convolutional"] = Field(
        "dense", description="layers of encoder and decoder; convolutional needs images"
    )
    conditional: bool = Field(
        False, description="give the label to encoder and decoder (Sohn et al. 2015)"
    )
    numbers: Literal["gaussian", "quantile"] = Field(
        "gaussian",
        description="scale on which numeric columns are modelled: their own, or the normal scores of"
        " their quantiles",
    )
    beta: float = Field(1.0, ge=0, description="weight of the KL term in the loss")
    epochs: int = Field(50, ge=1, description="passes over the training set")
    batch_size: int = Field(64, ge=1, description="records per step")
    lr: float = Field(1e-3, gt=0, description="learning rate of Adam")
    fit_epsilon: float = Field(
        8.0,
        gt=0,
        description='epsilon of the fit with fitted_on = "dp-sgd", for adding or removing a record',
    )
    fit_delta: float = Field(1e-5, ge=SMALLEST_DELTA, lt=1, description="delta of that guarantee")
    fit_grad_norm: float = Field(1.0, gt=0, description="norm to which DP-SGD clips each gradient")

    @model_validator(mode="after")
    def _check_private_parameters(self) -> Vae:
        """Refuse values for parameters of DP-SGD where the fit would ignore them."""
        for name in ("fit_epsilon", "fit_delta", "fit_grad_norm"):
            value, default = getattr(self, name), type(self).model_fields[name].default
            if self.fitted_on != "dp-sgd" and value != default:
                raise ValueError(
                    f'{name}: {value:g} has no effect unless fitted_on = "dp-sgd" (here:'
                    f' "{self.fitted_on}")'
                )
        return self

    @model_validator(mode="after")
    def _check_private_release(self) -> Vae:
        """Refuse what would read the private records beside the fit by DP-SGD."""
        if self.fitted_on == "dp-sgd" and self.numbers == "quantile":
            raise ValueError(
                'numbers: "quantile" reads the private records, which fitted_on = "dp-sgd" does not'
                ' allow (allowed: "gaussian")'
            )
        if self.fitted_on == "dp-sgd" and self.release == "sample" and not self.conditional:
            raise ValueError(
                'conditional: must be true with fitted_on = "dp-sgd" and release = "sample": otherwise'
                " labels would be learned from the codes of private records"
            )
        return self

    def skip(self, spec: DataSpec) -> str:
        """Return why the network cannot model such data; empty if it can."""
        if self.architecture == "convolutional" and spec.kind != "image":
            return f"a convolutional {self.name} needs images, but the data are {spec.kind}"
        return ""

    def fit(self, data: Data, rng: np.random.Generator) -> FittedVae:
        """Fit one network on the CPU."""
        return self.fit_population([data], [rng], "cpu", lambda done, total: None)[0]

    def fit_population(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> list[FittedVae]:
        """Fit one network per training set: all at once if the sets have the same size."""
        if len({len(data) for data in sets}) > 1:
            fitted: list[FittedVae] = []
            for data, rng in zip(sets, rngs, strict=True):
                fitted += self.fit_population([data], [rng], device, lambda done, total: None)
                progress(len(fitted), len(sets))
            return fitted
        quantiles = [self._quantiles(data) for data in sets]
        inputs = [network_inputs(*pair) for pair in zip(sets, quantiles, strict=True)]
        population = self._train(inputs, rngs, device, progress)
        return [
            self._fitted(population.module(i), data, quantiles[i]) for i, data in enumerate(inputs)
        ]

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedVae:
        """Rebuild a fitted VAE from its state. Raises ValueError for the state of another network."""
        from privbench.engine import Population

        arrays: dict[str, Any] = dict(state)
        prior = ClassPrior(*(arrays.pop(name) for name in PRIOR))
        values = arrays.pop(QUANTILES, None)
        weights = {name.removeprefix(WEIGHT): array[None] for name, array in arrays.items()}
        network = Population.from_state(self._build(spec), weights).module(0)
        quantiles = None if values is None else Quantiles(values)
        return FittedVae(cast("VaeNetwork", network), prior, spec, quantiles)

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """Return DP of the fit with ``fitted_on = "dp-sgd"``, else None."""
        if self.fitted_on != "dp-sgd":
            return None
        sampled = self._sampled_steps(context.n_train)
        return guarantee_of(self._noise_multiplier(sampled), sampled)

    def _sampled_steps(self, n: int) -> SampledGaussianSteps:
        size = min(self.batch_size, n)
        return SampledGaussianSteps(size / n, self.epochs * (n // size), self.fit_delta)

    def _noise_multiplier(self, sampled: SampledGaussianSteps) -> float:
        return noise_multiplier_for(self.fit_epsilon, sampled)

    def _quantiles(self, data: Data) -> Quantiles | None:
        """Return the quantiles of the numeric features; None if they are not transformed."""
        numeric = data.spec.numeric_features
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
            "random_inputs": normal(self.latent_dim),
            "device": device,
            "progress": progress,
        }
        if self.fitted_on != "dp-sgd":
            return train_population(self._build(spec), training, recipe, seeds, **options)
        sampled = self._sampled_steps(training.m)
        rate, steps, noise = sampled.sample_rate, sampled.steps, self._noise_multiplier(sampled)
        private = PrivateSteps(rate, steps, noise, self.fit_grad_norm)
        return train_privately(self._build(spec), training, recipe, private, seeds, **options)

    def _fitted(self, module: nn.Module, data: Data, quantiles: Quantiles | None) -> FittedVae:
        """Return the network with a class prior: of ``data``, or independent of it under DP-SGD."""
        network = cast("VaeNetwork", module.cpu())
        if self.fitted_on == "dp-sgd":
            prior = ClassPrior.standard(self.latent_dim, data.spec.n_classes)
        else:
            mean, variance = posterior(network, data.x, data.y)
            prior = ClassPrior.fit(mean, variance, data.y, data.spec.n_classes)
        return FittedVae(network, prior, data.spec, quantiles)


def network_inputs(data: Data, quantiles: Quantiles | None) -> Data:
    """Return the records as the network reads them.

    - Pixels, binary and one-hot features are clipped to [0, 1], which noise on the records
      (input-noise) leaves. Outside of it, the Bernoulli likelihood has no maximum.
    - Numeric features stay as they are, or become normal scores by their ``quantiles``.
    """
    numeric = data.spec.numeric_features
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
    """Return the means and variances (n, latent_dim) of the posteriors of records (n, *shape)."""
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
