"""The steps of DP-SGD with Opacus: Poisson sampling, clipping and noise.

Gradients are clipped by ghost clipping (Li et al. 2022, arXiv 2110.05679). One backward pass computes
the norms of the per-example gradients, and a second one the sum of the clipped gradients. On a small
MLP this is three times as fast as per-example gradients by hooks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from privbench.engine import Recipe
    from privbench.privacy.sampled_gaussian import SampledGaussianSteps


def poisson_batches(
    n: int, sampled: SampledGaussianSteps, rng: np.random.Generator
) -> Iterator[Tensor]:
    """Yield the indices of each step's batch: each record with probability ``sample_rate``."""
    import torch

    for _ in range(sampled.steps):
        yield torch.from_numpy((rng.random(n) < sampled.sample_rate).nonzero()[0])


@contextmanager
def private_steps(
    module: nn.Module,
    recipe: Recipe,
    *,
    noise_multiplier: float,
    max_grad_norm: float,
    expected_batch_size: float,
    noise_seed: int,
) -> Iterator[Callable[[Tensor, Tensor], None]]:
    """Yield a function ``take_step(x, y)`` that takes one private step on a batch, which may be empty.

    The hooks and attributes of Opacus are removed from ``module`` at the end of the context.
    """
    from opacus.grad_sample import GradSampleModuleFastGradientClipping
    from opacus.optimizers import DPOptimizerFastGradientClipping
    from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping
    from torch import nn, zeros_like

    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    hooked = GradSampleModuleFastGradientClipping(module, max_grad_norm=max_grad_norm)
    private = _with_noise(DPOptimizerFastGradientClipping, noise_seed)(
        recipe.make_optimizer(trained),
        noise_multiplier=noise_multiplier,
        max_grad_norm=max_grad_norm,
        expected_batch_size=expected_batch_size,
    )
    loss = DPLossFastGradientClipping(hooked, private, nn.CrossEntropyLoss())

    def take_step(x: Tensor, y: Tensor) -> None:
        private.zero_grad()
        if len(x):
            loss(hooked(x), y).backward()
        else:  # not every layer accepts an empty batch
            for parameter in trained:
                parameter.grad = zeros_like(parameter)
        private.step()

    with warnings.catch_warnings():
        # It fires for the first layer, whose inputs need no gradient.
        warnings.filterwarnings("ignore", "Full backward hook is firing", UserWarning)
        try:
            yield take_step
        finally:
            hooked.cleanup()
            for parameter in trained:
                parameter.grad = None
                delattr(parameter, "summed_grad")  # Opacus's optimizer leaves it behind


def _with_noise(kind: type[Any], seed: int) -> type[Any]:
    """Return an Opacus optimizer that draws the noise as the engine does, so that both agree."""
    import torch

    from privbench.engine import GaussianNoise

    class EngineNoise(kind):  # type: ignore[misc]
        stream: GaussianNoise | None = None

        def add_noise(self) -> None:
            sums = [parameter.summed_grad for parameter in self.params]
            if self.stream is None:
                self.stream = GaussianNoise(seed, sums[0].device)
            drawn = torch.empty(sum(total.numel() for total in sums), device=sums[0].device)
            self.stream.fill(drawn, self.noise_multiplier * self.max_grad_norm)
            parts = torch.split(drawn, [total.numel() for total in sums])
            for parameter, total, noise in zip(self.params, sums, parts, strict=True):
                parameter.grad = (total + noise.view_as(total)).view_as(parameter)

    return EngineNoise


def unsupported(module: nn.Module) -> str:
    """Return why ``module`` has no per-example gradients; empty if it has."""
    from opacus.grad_sample import GradSampleModule
    from opacus.validators import ModuleValidator
    from torch import nn

    for name, layer in module.named_modules():
        # Opacus accepts batch norm without weights, which mixes examples nevertheless.
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            return f"{name} ({type(layer).__name__}) mixes the examples of a batch; use GroupNorm"
    if not any(parameter.requires_grad for parameter in module.parameters()):
        return "the module has no parameters to train"
    errors = [*ModuleValidator.validate(module), *GradSampleModule.validate(module)]
    return "; ".join(str(error) for error in errors)
