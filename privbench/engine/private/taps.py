"""Capture the inputs of a module's layers, and shift their outputs.

Torch's functions are watched while a module runs, to see which of them use the parameters, and on which
inputs. Parameters that are used in any other way, or more than once, are left to per-example gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from privbench.engine.private.layers import Conv, Layer, Linear, Norm


@dataclass
class Taps(TorchFunctionMode):
    """Watches the functions of layers that use one of ``params``, by name.

    ``layers`` are those to tap, in the order in which they are used; None taps all that are supported.
    ``shifts[k]`` is added to the output of the k-th tapped layer, and its input is kept in ``inputs``.
    The loss's gradient with respect to the shift is that with respect to the output.
    """

    params: Mapping[str, Tensor]
    layers: Sequence[Layer] | None = None
    shifts: Sequence[Tensor] | None = None
    tapped: list[Layer] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    """Names of the parameters, as often as they were used."""

    def __post_init__(self) -> None:
        super().__init__()
        self._names = {id(tensor): name for name, tensor in self.params.items()}
        self._wanted = (
            None if self.layers is None else {n for layer in self.layers for n in layer.names}
        )

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        self.uses += [self._names[id(t)] for t in _tensors(args, kwargs) if id(t) in self._names]
        describe = LAYERS.get(func)
        if describe is None:
            return output
        layer = describe(self._name, output, *args, **kwargs)
        if layer is None or not layer.names or not self._is_wanted(layer):
            return output
        shift = None if self.shifts is None else self.shifts[len(self.tapped)]
        self.tapped.append(layer)
        self.inputs.append(args[0] if args else kwargs["input"])
        return output if shift is None else output + shift

    def _name(self, tensor: Tensor | None) -> str | None:
        return None if tensor is None else self._names.get(id(tensor))

    def _is_wanted(self, layer: Layer) -> bool:
        return self._wanted is None or self._wanted.issuperset(layer.names)


def find_layers(params: Mapping[str, Tensor], forward: Callable[[], Any]) -> list[Layer]:
    """Return the layers that use ``params`` when ``forward`` runs on one record.

    Layers whose parameters are used more than once are left out.
    """
    with torch.no_grad(), Taps(params) as taps:
        forward()
    once = {name for name in taps.uses if taps.uses.count(name) == 1}
    return [layer for layer in taps.tapped if once.issuperset(layer.names)]


def _tensors(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value, {})


Name = Callable[[Tensor | None], str | None]
"""Returns the name of a parameter; None for a tensor that is no watched parameter."""


def _linear(
    name: Name, output: Tensor, input: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Layer | None:
    if input.ndim < 2:
        return None
    return Linear(name(weight), name(bias), tuple(output.shape[1:]))


def _conv(
    name: Name,
    output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Layer | None:
    if input.ndim != weight.ndim or isinstance(padding, str):  # no batch; "same" may pad unevenly
        return None
    lines = weight.ndim == 3
    kernel = (1, weight.shape[2]) if lines else (weight.shape[2], weight.shape[3])
    return Conv(
        *(name(weight), name(bias), tuple(output.shape[1:]), kernel),
        *(_pair(stride, 1, lines), _pair(padding, 0, lines), _pair(dilation, 1, lines)),
        *(groups, lines),
    )


def _pair(value: Any, of_height: int, lines: bool) -> tuple[int, int]:
    values = (value,) * (1 if lines else 2) if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values = (values[0],) if lines else values * 2
    return (of_height, values[0]) if lines else (values[0], values[1])


def _group_norm(
    name: Name,
    output: Tensor,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Layer:
    return Norm(
        *(name(weight), name(bias), tuple(output.shape[1:])),
        lambda a: functional.group_norm(a, num_groups, eps=eps),
        lambda g: g.flatten(2).sum(-1) if g.ndim > 2 else g,
    )


def _layer_norm(
    name: Name,
    output: Tensor,
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Layer | None:
    shape = tuple(normalized_shape)
    positions = input.ndim - len(shape) - 1
    if positions < 0:  # it normalizes across the examples
        return None
    return Norm(
        *(name(weight), name(bias), tuple(output.shape[1:])),
        lambda a: functional.layer_norm(a, shape, eps=eps),
        lambda g: g.flatten(1, positions).sum(1) if positions else g,
    )


LAYERS: Mapping[Any, Callable[..., Layer | None]] = {
    functional.linear: _linear,
    functional.conv1d: _conv,
    functional.conv2d: _conv,
    functional.group_norm: _group_norm,
    functional.layer_norm: _layer_norm,
}
"""For each supported function that torch's modules call, what returns the layer that it computes."""
