"""Train denoising networks, draw from them, and compute losses of records.

The features of a record are its numbers, then its categories, one-hot, block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from privbench import Data
from privbench_ctgan import diffusion, network
from privbench_ctgan.columns import Columns
from privbench_ctgan.diffusion import Schedule

if TYPE_CHECKING:
    from privbench_ctgan.network import Weights
    from privbench_ctgan.tabddpm import FittedDiffusion, TabDdpm


def features_of(data: Data) -> NDArray[np.float32]:
    """Return the features (n, features) of records."""
    columns, x = Columns.of(data.spec), data.x.reshape(len(data), -1)
    categories = columns.categories(x)
    blocks = [
        np.eye(size, dtype=np.float32)[categories[:, k]] for k, size in enumerate(columns.sizes)
    ]
    return np.hstack([x[:, list(columns.numeric)], *blocks])


def limits_of(data: Data) -> Tensor:
    """Return the smallest and largest numbers (2, numeric) of records."""
    x = data.x.reshape(len(data), -1)[:, list(Columns.of(data.spec).numeric)]
    return torch.from_numpy(np.stack([x.min(axis=0), x.max(axis=0)]))


def random_of(rng: np.random.Generator) -> torch.Generator:
    """Return a generator of torch's, seeded by ``rng``."""
    return torch.Generator().manual_seed(int(rng.integers(2**63)))


def train(
    recipe: TabDdpm,
    sets: Sequence[Data],
    rngs: Sequence[np.random.Generator],
    progress: Callable[[int, int], None],
) -> Weights:
    """Return the weights of one network per training set, each as if it were trained alone."""
    if len(sets) != len(rngs):
        raise ValueError(f"{len(sets)} training sets and {len(rngs)} seeds")
    spec, schedule = sets[0].spec, Schedule.cosine(recipe.timesteps)
    columns = Columns.of(spec)
    data = [torch.from_numpy(features_of(d)) for d in sets]
    labels = [torch.from_numpy(np.eye(spec.n_classes, dtype=np.float32)[d.y]) for d in sets]
    random = [random_of(rng) for rng in rngs]
    layers = network.layers_of(data[0].shape[1], spec.n_classes, recipe.hidden)
    weights = {k: w.requires_grad_() for k, w in network.initial(layers, random).items()}
    optimizer = torch.optim.Adam(weights.values(), lr=recipe.lr)
    for step in range(recipe.steps):
        optimizer.param_groups[0]["lr"] = recipe.lr * (1 - step / recipe.steps)
        batches = zip(data, labels, random, strict=True)
        drawn = [_batch(recipe, len(columns.numeric), *one) for one in batches]
        x, label, t, noise = map(torch.stack, zip(*drawn, strict=True))
        losses = _losses(schedule, columns, weights, x, label, t, noise)
        optimizer.zero_grad()
        torch.stack([part.mean(1).sum() for part in losses]).sum().backward()
        optimizer.step()
        if step % 100 == 99 or step == recipe.steps - 1:
            progress(step + 1, recipe.steps)
    return {name: weight.detach() for name, weight in weights.items()}


def draw(fitted: FittedDiffusion, label: Tensor, random: torch.Generator) -> Tensor:
    """Draw the features (1, n, features) of records with labels (1, n, classes)."""
    schedule, columns = Schedule.cosine(fitted.timesteps), Columns.of(fitted.spec)
    n_numeric, sizes = len(columns.numeric), columns.sizes
    shape = (1, label.shape[1], n_numeric + sum(sizes))
    x = _noise(shape, n_numeric, random)
    if sizes:
        uniform = torch.cat([torch.full((*shape[:2], k), 1 / k) for k in sizes], -1)
        drawn = diffusion.noisy_categories(
            schedule, uniform, _times(shape, fitted.timesteps - 1), x[..., n_numeric:], sizes
        )
        x = torch.cat([x[..., :n_numeric], drawn], -1)
    with torch.no_grad():
        for step in reversed(range(fitted.timesteps)):
            t = _times(shape, step)
            output, noise = (
                network.forward(fitted.weights, x, t, label),
                _noise(shape, n_numeric, random),
            )
            parts = [x[..., :0]]
            if n_numeric:
                parts.append(
                    diffusion.previous_numbers(
                        schedule,
                        x[..., :n_numeric],
                        output[..., :n_numeric],
                        t,
                        noise[..., :n_numeric],
                        fitted.limits,
                    )
                )
            if sizes:
                parts.append(
                    diffusion.previous_categories(
                        schedule,
                        x[..., n_numeric:], output[..., n_numeric:], t, noise[..., n_numeric:], sizes,
                    )
                )  # fmt: skip
            x = torch.cat(parts, -1)
    return x


def losses_at(
    fitted: FittedDiffusion,
    x: Tensor,
    label: Tensor,
    timestep: int,
    n_draws: int,
    random: torch.Generator,
) -> NDArray[np.float64]:
    """Return the losses (n, draws * kinds of columns) of records at a timestep.

    Args:
        fitted: the generator.
        x: float32 (1, n, features).
        label: float32 (1, n, classes).
        timestep: from 0 to the number of timesteps - 1.
        n_draws: draws of noise, the same for all records.
        random: draws the noise.
    """
    schedule, columns = Schedule.cosine(fitted.timesteps), Columns.of(fitted.spec)
    found = []
    with torch.no_grad():
        for _ in range(n_draws):
            noise = _noise((1, 1, x.shape[-1]), len(columns.numeric), random).expand_as(x)
            t = _times(x.shape, timestep)
            found += _losses(schedule, columns, fitted.weights, x, label, t, noise)
    return torch.cat(found).T.double().numpy()


def _losses(
    schedule: Schedule,
    columns: Columns,
    weights: Weights,
    x: Tensor,
    label: Tensor,
    t: Tensor,
    noise: Tensor,
) -> list[Tensor]:
    """Return the losses (models, n) of numbers and of categories, as far as there are any."""
    n_numeric, sizes = len(columns.numeric), columns.sizes
    numbers, first = x[..., :n_numeric], x[..., n_numeric:]
    noisy = [diffusion.noisy_numbers(schedule, numbers, t, noise[..., :n_numeric])]
    if sizes:
        noisy.append(diffusion.noisy_categories(schedule, first, t, noise[..., n_numeric:], sizes))
    output = network.forward(weights, torch.cat(noisy, -1), t, label)
    losses = []
    if n_numeric:
        losses.append(diffusion.number_losses(noise[..., :n_numeric], output[..., :n_numeric]))
    if sizes:
        logits = output[..., n_numeric:]
        losses.append(diffusion.category_losses(schedule, first, noisy[1], logits, t, sizes))
    return losses


def _batch(
    recipe: TabDdpm, n_numeric: int, x: Tensor, label: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw a batch of a training set: features, labels, timesteps and noise."""
    places = torch.randint(len(x), (recipe.batch_size,), generator=random)
    t = torch.randint(recipe.timesteps, (recipe.batch_size,), generator=random)
    noise = _noise((recipe.batch_size, x.shape[1]), n_numeric, random)
    return x[places], label[places], t, noise


def _times(shape: Sequence[int], step: int) -> Tensor:
    return torch.full(tuple(shape[:2]), step)


def _noise(shape: Sequence[int], n_numeric: int, random: torch.Generator) -> Tensor:
    """Draw normal noise for numbers, and uniform noise for categories."""
    normal = torch.randn((*shape[:-1], n_numeric), generator=random)
    uniform = torch.rand((*shape[:-1], shape[-1] - n_numeric), generator=random)
    return torch.cat([normal, uniform], -1)
