"""What enters and leaves the layers of a module, example by example.

A linear layer's weight gradient for one example is the outer product of what enters it and of the loss's
gradient with respect to what leaves it. So the norm of each example's gradient, and any weighted sum of
them, follow from these two without a gradient per example (Goodfellow 2015, arXiv 1510.01799; Li et al.
2022, arXiv 2110.05679, "ghost clipping").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class NotTapped(RuntimeError):
    """A module whose parameters act in other ways than through linear layers on one vector each."""


@dataclass(frozen=True)
class Tap:
    """One linear layer: the names of its parameters, and the shape (batch, out) of what leaves it."""

    weight: str
    bias: str | None
    width: int


@dataclass
class Taps(TorchFunctionMode):
    """Watches ``F.linear`` where it uses one of ``params``, by name.

    Adds ``shifts[k]`` to what leaves the k-th layer, if given, and keeps what enters it.
    """

    params: Mapping[str, Tensor]
    shifts: Sequence[Tensor] | None = None
    found: list[Tap] = field(default_factory=list)
    entered: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._names = {id(tensor): name for name, tensor in self.params.items()}

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is functional.linear:
            return self._linear(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        output = functional.linear(input, weight, bias)
        name = self._names.get(id(weight))
        if name is None:
            return output
        if input.ndim != 2:
            raise NotTapped(f"{name} acts on {input.ndim - 1} axes of an example")
        tap = Tap(name, None if bias is None else self._names.get(id(bias)), output.shape[-1])
        shift = None if self.shifts is None else self.shifts[len(self.found)]
        self.found.append(tap)
        self.entered.append(input)
        return output if shift is None else output + shift


def find_taps(params: Mapping[str, Tensor], forward: Callable[[], Any]) -> list[Tap]:
    """The layers through which ``params`` act when ``forward`` runs. Raises NotTapped if others do."""
    with torch.no_grad(), Taps(params) as taps:
        forward()
    used = [name for tap in taps.found for name in (tap.weight, tap.bias) if name is not None]
    if len(used) != len(set(used)):
        raise NotTapped("a parameter is used twice")
    if missing := sorted(set(params) - set(used)):
        raise NotTapped(f"{missing[0]} is no parameter of a linear layer")
    found: list[Tap] = taps.found
    return found


def squared_norms(taps: Sequence[Tap], entered: Sequence[Tensor], left: Sequence[Tensor]) -> Tensor:
    """Squared norms (..., batch) of the examples' gradients.

    ``entered`` (..., batch, in) and ``left`` (..., batch, out) are what enters each layer, and the
    loss's gradient with respect to what leaves it.
    """
    total = left[0].new_zeros(left[0].shape[:-1])
    for tap, a, g in zip(taps, entered, left, strict=True):
        size = a.square().sum(-1) + (1 if tap.bias is not None else 0)
        total = total + size * g.square().sum(-1)
    return total


def weighted_gradients(
    taps: Sequence[Tap], entered: Sequence[Tensor], left: Sequence[Tensor], weights: Tensor
) -> dict[str, Tensor]:
    """The sum over examples of their gradients times ``weights`` (..., batch), by parameter."""
    gradients = {}
    for tap, a, g in zip(taps, entered, left, strict=True):
        scaled = g * weights[..., None]
        gradients[tap.weight] = scaled.mT @ a
        if tap.bias is not None:
            gradients[tap.bias] = scaled.sum(-2)
    return gradients
