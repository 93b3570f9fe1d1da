"""TabDDPM: diffusion for tables, Gaussian of numbers and multinomial of categories.

Kotelnikov, Baranchuk, Rubachev, Babenko 2022, "TabDDPM: Modelling Tabular Data with Diffusion Models",
arXiv 2209.15421. Labels are drawn with their frequency, and records given the label.

Deviations:

- Numbers are not mapped by their quantiles: privbench hands over columns of mean 0 and variance 1.
- Drawn numbers are kept within those of the training set, to which quantiles would map them as well.
- All models of a population are trained at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from privbench import Data, DataSpec, FittedSampler, SamplingGenerator
from privbench_ctgan.columns import Columns, why_no_table

if TYPE_CHECKING:
    from torch import Tensor

    from privbench_ctgan.network import Weights

Progress = Callable[[int, int], None]


class TabDdpm(SamplingGenerator):
    """TabDDPM: a diffusion model of tables, conditional on the label."""

    name: ClassVar[str] = "tabddpm"
    paper: ClassVar[str] = "Kotelnikov et al. 2022, arXiv 2209.15421"

    timesteps: int = Field(1000, ge=2, description="steps of the diffusion")
    steps: int = Field(10_000, ge=1, description="steps of the optimizer")
    batch_size: int = Field(256, ge=1, description="records in a batch")
    hidden: tuple[int, ...] = Field(
        (256, 256), min_length=1, description="widths of the hidden layers of the network"
    )
    lr: float = Field(1e-3, gt=0, description="learning rate of Adam, which falls linearly to 0")

    def fit(self, data: Data, rng: np.random.Generator) -> FittedDiffusion:
        """Fit on one training set."""
        (fitted,) = self.fit_population([data], [rng], "cpu", lambda done, total: None)
        return fitted

    def fit_population(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> Sequence[FittedDiffusion]:
        """Fit one generator per training set, all of them at once."""
        from privbench_ctgan.training import limits_of, train

        spec = sets[0].spec
        weights = train(self, sets, rngs, progress)
        frequencies = [np.bincount(d.y, minlength=spec.n_classes) / len(d) for d in sets]
        return [
            FittedDiffusion(
                spec,
                self.timesteps,
                frequencies[i],
                limits_of(data),
                {k: w[i : i + 1] for k, w in weights.items()},
            )
            for i, data in enumerate(sets)
        ]

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedDiffusion:
        """Rebuild a fitted generator from its weights."""
        import torch

        arrays = dict(state)
        frequency = np.asarray(arrays.pop("frequency"), dtype=np.float64)
        limits = torch.from_numpy(np.array(arrays.pop("limits"), dtype=np.float32))
        weights = {
            name: torch.from_numpy(np.array(array, dtype=np.float32))
            for name, array in arrays.items()
        }
        return FittedDiffusion(spec, self.timesteps, frequency, limits, weights)

    def skip(self, spec: DataSpec) -> str:
        """Return why records are no table; empty if they are."""
        return why_no_table(spec, self.name)


class FittedDiffusion(FittedSampler):
    """The weights of the denoising network, the frequencies of labels and the limits of numbers."""

    def __init__(
        self,
        spec: DataSpec,
        timesteps: int,
        frequency: NDArray[np.float64],
        limits: Tensor,
        weights: Weights,
    ) -> None:
        self.spec, self.frequency, self.weights = spec, frequency, weights
        self.timesteps, self.limits = timesteps, limits

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Draw labels, and records given the labels, by all steps of the diffusion backwards."""
        from privbench_ctgan.training import draw, random_of

        y = rng.choice(len(self.frequency), size=n, p=self.frequency).astype(np.int64)
        features = draw(self, self._label(y), random_of(rng))
        return self._data(features[0], y)

    def losses(
        self, data: Data, timesteps: Sequence[int], n_draws: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the training losses of records at some timesteps, for several draws of noise.

        The draws are the same for all records, and for all generators that are given equal ``rng``.

        Args:
            data: the records.
            timesteps: from 0 to the number of timesteps - 1.
            n_draws: draws of noise at each timestep.
            rng: draws the noise.

        Returns:
            float64 (n, losses): for each timestep and draw that of numbers and that of categories; a
            kind of column that the records lack is left out.
        """
        from privbench_ctgan.training import losses_at, random_of

        random = random_of(rng)
        x, label = self._features(data), self._label(data.y)
        parts = [losses_at(self, x, label, t, n_draws, random) for t in timesteps]
        return np.concatenate(parts, axis=1)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the weights, the frequencies and the limits as arrays."""
        weights = {name: weight.numpy() for name, weight in self.weights.items()}
        return weights | {"frequency": self.frequency, "limits": self.limits.numpy()}

    def _features(self, data: Data) -> Tensor:
        import torch

        from privbench_ctgan.training import features_of

        return torch.from_numpy(features_of(data))[None]

    def _label(self, y: NDArray[np.int64]) -> Tensor:
        import torch

        return torch.from_numpy(np.eye(self.spec.n_classes, dtype=np.float32)[y])[None]

    def _data(self, features: Tensor, y: NDArray[np.int64]) -> Data:
        from privbench_ctgan.diffusion import blocks_of

        columns = Columns.of(self.spec)
        n_numeric = len(columns.numeric)
        blocks = blocks_of(features[:, n_numeric:], columns.sizes) if columns.sizes else ()
        categories = np.zeros((len(y), len(columns.blocks)), dtype=np.int64)
        for place, block in enumerate(blocks):
            categories[:, place] = block.argmax(-1).numpy()
        x = columns.records(features[:, :n_numeric].numpy(), categories)
        return Data(x.reshape(len(y), *self.spec.shape), y, self.spec)
