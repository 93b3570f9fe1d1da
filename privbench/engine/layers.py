"""What each kind of layer knows of the gradients of single examples.

``a`` (batch, ...) is what enters a layer and ``g`` (batch, ...) the loss's gradient with respect to what
leaves it, of one model. The gradient of each example's loss with respect to the layer's parameters
follows from the two; its norm often does without computing it (Goodfellow 2015, arXiv 1510.01799; Li et
al. 2022, arXiv 2110.05679, "ghost clipping"; Bu et al. 2022, arXiv 2205.10683, for convolutions and the
choice between the two).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Examples(Protocol):
    """The gradients of all examples with respect to one parameter."""

    def squared_norms(self) -> Tensor:
        """(batch,)."""
        ...

    def weighted(self, weights: Tensor) -> Tensor:
        """Their sum, each times its weight (batch,)."""
        ...


@dataclass(frozen=True)
class Stored:
    """The gradients themselves (batch, *shape)."""

    each: Tensor

    def squared_norms(self) -> Tensor:
        return _squares(self.each.flatten(1))

    def weighted(self, weights: Tensor) -> Tensor:
        if self.each.ndim == 2:  # a bias: the product is that of the weight's ``Outer``, made once
            return (self.each * weights[:, None]).sum(0)
        total: Tensor = torch.tensordot(weights, self.each, 1)
        return total


@dataclass(frozen=True)
class Outer:
    """Outer products of ``g`` (batch, out) and ``a`` (batch, in)."""

    a: Tensor
    g: Tensor

    def squared_norms(self) -> Tensor:
        return _squares(self.a) * _squares(self.g)

    def weighted(self, weights: Tensor) -> Tensor:
        return (self.g * weights[:, None]).mT @ self.a


@dataclass(frozen=True)
class Ghost:
    """Matrices g^T a of ``g`` (batch, positions, out) and ``a`` (batch, positions, in), not computed."""

    a: Tensor
    g: Tensor

    def squared_norms(self) -> Tensor:
        return ((self.a @ self.a.mT) * (self.g @ self.g.mT)).sum((1, 2))

    def weighted(self, weights: Tensor) -> Tensor:
        scaled = self.g * weights[:, None, None]
        return scaled.flatten(0, 1).mT @ self.a.flatten(0, 1)


@dataclass(frozen=True)
class Groups:
    """Of a convolution in groups: the groups' matrices (out / groups, in), one below the other."""

    parts: list[Examples]
    shape: tuple[int, ...]

    def squared_norms(self) -> Tensor:
        return torch.stack([part.squared_norms() for part in self.parts]).sum(0)

    def weighted(self, weights: Tensor) -> Tensor:
        return torch.cat([part.weighted(weights) for part in self.parts]).view(self.shape)


@dataclass(frozen=True)
class Layer(ABC):
    """One use of a layer: the names of its parameters, None where it has none or it is not trained."""

    weight: str | None
    bias: str | None
    shape: tuple[int, ...]
    """Of what leaves it, for one example."""

    @property
    def names(self) -> list[str]:
        """The parameters that are trained."""
        return [name for name in (self.weight, self.bias) if name is not None]

    def examples(self, a: Tensor, g: Tensor) -> dict[str, Examples]:
        """The gradients of each parameter."""
        found = {}
        if self.weight is not None:
            found[self.weight] = self.of_weight(a, g)
        if self.bias is not None:
            found[self.bias] = self.of_bias(g)
        return found

    @abstractmethod
    def of_weight(self, a: Tensor, g: Tensor) -> Examples:
        """With respect to the weight."""

    @abstractmethod
    def of_bias(self, g: Tensor) -> Examples:
        """With respect to the bias."""


@dataclass(frozen=True)
class Linear(Layer):
    """``a`` (batch, *positions, in), ``g`` (batch, *positions, out)."""

    def of_weight(self, a: Tensor, g: Tensor) -> Examples:
        return Outer(a, g) if a.ndim == 2 else _products(a.flatten(1, -2), g.flatten(1, -2))

    def of_bias(self, g: Tensor) -> Examples:
        return Stored(g if g.ndim == 2 else g.flatten(1, -2).sum(1))


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution of images, ``a`` (batch, in, height, width), as a linear layer on their patches."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    of_lines: bool
    """Whether it is one of lines (batch, in, length): then height is 1."""

    def of_weight(self, a: Tensor, g: Tensor) -> Examples:
        images = a.unsqueeze(2) if self.of_lines else a
        patches = functional.unfold(images, self.kernel, self.dilation, self.padding, self.stride)
        outputs, kernel = self.shape[0], self.kernel[1:] if self.of_lines else self.kernel
        pairs = zip(
            patches.mT.chunk(self.groups, -1),  # (batch, positions, in / groups * kernel)
            g.flatten(2).mT.chunk(self.groups, -1),  # (batch, positions, out / groups)
            strict=True,
        )
        inputs = a.shape[1] // self.groups
        return Groups([_products(*pair) for pair in pairs], (outputs, inputs, *kernel))

    def of_bias(self, g: Tensor) -> Examples:
        return Stored(g.flatten(2).sum(-1))


@dataclass(frozen=True)
class Norm(Layer):
    """GroupNorm and LayerNorm: they scale and shift what ``normalise`` makes of ``a``."""

    normalise: Callable[[Tensor], Tensor]
    reduce: Callable[[Tensor], Tensor]
    """Sums (batch, ...) over all but the examples and the parameter's own axes."""

    def of_weight(self, a: Tensor, g: Tensor) -> Examples:
        return Stored(self.reduce(g * self.normalise(a)))

    def of_bias(self, g: Tensor) -> Examples:
        return Stored(self.reduce(g))


def _products(a: Tensor, g: Tensor) -> Examples:
    """The matrices g^T a of ``a`` (batch, positions, in) and ``g`` (batch, positions, out).

    Computed, unless the positions' inner products are fewer numbers.
    """
    positions, inputs, outputs = a.shape[1], a.shape[2], g.shape[2]
    if 2 * positions**2 < inputs * outputs:
        return Ghost(a, g)
    return Stored(g.mT @ a)


def _squares(x: Tensor) -> Tensor:
    """Sums of squares over the last axis; no tensor of squares is made."""
    norms: Tensor = torch.linalg.vector_norm(x, dim=-1)
    return norms.square()
