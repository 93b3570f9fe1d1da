"""Per-example gradients of each kind of layer, and their norms.

``a`` (batch, ...) is the input of a layer of one model, and ``g`` (batch, ...) the loss's gradient with
respect to its output. They determine the gradient of each example's loss with respect to the layer's
parameters, and often its norm without computing the gradient itself (Goodfellow 2015, arXiv
1510.01799; Li et al. 2022, arXiv 2110.05679, "ghost clipping"; Bu et al. 2022, arXiv 2205.10683, for
convolutions and for when to use which).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class ExampleGradients(Protocol):
    """The per-example gradients of one parameter."""

    def squared_norms(self) -> Tensor:
        """Return the squared L2 norm of each example's gradient (batch,)."""
        ...

    def weighted_sum(self, factors: Tensor) -> Tensor:
        """Return the sum of the gradients, each times its factor (batch,)."""
        ...

    def merged(self, copies: int) -> ExampleGradients:
        """Return sums over each ``copies`` successive examples, which are copies of one example."""
        ...


@dataclass(frozen=True)
class Stored:
    """The gradients themselves (batch, *shape)."""

    each: Tensor

    def squared_norms(self) -> Tensor:
        return _squares(self.each.flatten(1))

    def weighted_sum(self, factors: Tensor) -> Tensor:
        if (
            self.each.ndim == 2
        ):  # a bias: shares this product with the weight's ``Outer`` when recorded
            return (self.each * factors[:, None]).sum(0)
        total: Tensor = torch.tensordot(factors, self.each, 1)
        return total

    def merged(self, copies: int) -> ExampleGradients:
        return Stored(_grouped(self.each, copies).sum(1))


@dataclass(frozen=True)
class Outer:
    """Gradients that are outer products of ``g`` (batch, out) and ``a`` (batch, in)."""

    a: Tensor
    g: Tensor

    def squared_norms(self) -> Tensor:
        return _squares(self.a) * _squares(self.g)

    def weighted_sum(self, factors: Tensor) -> Tensor:
        return (self.g * factors[:, None]).mT @ self.a

    def merged(self, copies: int) -> ExampleGradients:
        return _products(_grouped(self.a, copies), _grouped(self.g, copies))


@dataclass(frozen=True)
class Ghost:
    """Gradients g^T a of ``g`` (batch, positions, out) and ``a`` (batch, positions, in).

    The matrices are not computed.
    """

    a: Tensor
    g: Tensor

    def squared_norms(self) -> Tensor:
        return ((self.a @ self.a.mT) * (self.g @ self.g.mT)).sum((1, 2))

    def weighted_sum(self, factors: Tensor) -> Tensor:
        scaled = self.g * factors[:, None, None]
        return scaled.flatten(0, 1).mT @ self.a.flatten(0, 1)

    def merged(self, copies: int) -> ExampleGradients:
        a, g = (_grouped(t, copies).flatten(1, 2) for t in (self.a, self.g))
        return _products(a, g)


@dataclass(frozen=True)
class Groups:
    """Gradients of a grouped convolution: each group's (out / groups, in), concatenated."""

    parts: list[ExampleGradients]
    shape: tuple[int, ...]

    def squared_norms(self) -> Tensor:
        return torch.stack([part.squared_norms() for part in self.parts]).sum(0)

    def weighted_sum(self, factors: Tensor) -> Tensor:
        return torch.cat([part.weighted_sum(factors) for part in self.parts]).view(self.shape)

    def merged(self, copies: int) -> ExampleGradients:
        return Groups([part.merged(copies) for part in self.parts], self.shape)


@dataclass(frozen=True)
class Layer(ABC):
    """One use of a layer: the names of its parameters, None for one that is absent or not trained."""

    weight: str | None
    bias: str | None
    shape: tuple[int, ...]
    """Shape of its output for one example."""

    @property
    def names(self) -> list[str]:
        """The names of the parameters that are trained."""
        return [name for name in (self.weight, self.bias) if name is not None]

    def gradients(self, a: Tensor, g: Tensor) -> dict[str, ExampleGradients]:
        """Return the per-example gradients of each parameter, by name."""
        gradients = {}
        if self.weight is not None:
            gradients[self.weight] = self.of_weight(a, g)
        if self.bias is not None:
            gradients[self.bias] = self.of_bias(g)
        return gradients

    @abstractmethod
    def of_weight(self, a: Tensor, g: Tensor) -> ExampleGradients:
        """Return the per-example gradients of the weight."""

    @abstractmethod
    def of_bias(self, g: Tensor) -> ExampleGradients:
        """Return the per-example gradients of the bias."""


@dataclass(frozen=True)
class Linear(Layer):
    """A linear layer: ``a`` (batch, *positions, in), ``g`` (batch, *positions, out)."""

    def of_weight(self, a: Tensor, g: Tensor) -> ExampleGradients:
        return Outer(a, g) if a.ndim == 2 else _products(a.flatten(1, -2), g.flatten(1, -2))

    def of_bias(self, g: Tensor) -> ExampleGradients:
        return Stored(g if g.ndim == 2 else g.flatten(1, -2).sum(1))


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution of ``a`` (batch, in, height, width), computed as a linear layer on its patches."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    one_dimensional: bool
    """Whether its inputs are (batch, in, length); they are treated as images of height 1."""

    def of_weight(self, a: Tensor, g: Tensor) -> ExampleGradients:
        images = a.unsqueeze(2) if self.one_dimensional else a
        patches = functional.unfold(images, self.kernel, self.dilation, self.padding, self.stride)
        outputs, kernel = self.shape[0], self.kernel[1:] if self.one_dimensional else self.kernel
        pairs = zip(
            patches.mT.chunk(self.groups, -1),  # (batch, positions, in / groups * kernel)
            g.flatten(2).mT.chunk(self.groups, -1),  # (batch, positions, out / groups)
            strict=True,
        )
        inputs = a.shape[1] // self.groups
        return Groups([_products(*pair) for pair in pairs], (outputs, inputs, *kernel))

    def of_bias(self, g: Tensor) -> ExampleGradients:
        return Stored(g.flatten(2).sum(-1))


@dataclass(frozen=True)
class Norm(Layer):
    """GroupNorm and LayerNorm: they scale and shift ``normalise(a)``."""

    normalise: Callable[[Tensor], Tensor]
    reduce: Callable[[Tensor], Tensor]
    """Sums (batch, ...) over all axes but those of the examples and of the parameter."""

    def of_weight(self, a: Tensor, g: Tensor) -> ExampleGradients:
        return Stored(self.reduce(g * self.normalise(a)))

    def of_bias(self, g: Tensor) -> ExampleGradients:
        return Stored(self.reduce(g))


def _products(a: Tensor, g: Tensor) -> ExampleGradients:
    """Return gradients g^T a of ``a`` (batch, positions, in) and ``g`` (batch, positions, out).

    The matrices are computed unless the positions' inner products are fewer numbers.
    """
    positions, inputs, outputs = a.shape[1], a.shape[2], g.shape[2]
    if 2 * positions**2 < inputs * outputs:
        return Ghost(a, g)
    return Stored(g.mT @ a)


def _squares(x: Tensor) -> Tensor:
    """Return sums of squares over the last axis, without a tensor of squares."""
    norms: Tensor = torch.linalg.vector_norm(x, dim=-1)
    return norms.square()


def _grouped(x: Tensor, size: int) -> Tensor:
    """Return ``x`` (n * size, ...) as (n, size, ...)."""
    return x.reshape(-1, size, *x.shape[1:])
