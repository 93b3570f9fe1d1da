"""CUDA graphs: a training step of many small kernels, launched as one.

A step of small models launches hundreds of kernels that take less time than their launches. Captured
once and replayed, they follow each other without the CPU. As in PyTorch's notes on CUDA semantics
(whole network capture), a step is warmed up on a side stream and captured on the same stream; then each
batch is copied to where the captured kernels read it.

A replay repeats kernels and no Python code. So a step must draw no random numbers, and must not look at
the values of tensors on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

CapturedStep = Callable[..., None]
"""A training step as a function of the tensors of a batch."""


class Backend(Protocol):
    """Captures kernels and replays them."""

    def aside(self, run: Callable[[], None]) -> None:
        """Call ``run`` on the capturing stream, in order with the current stream."""
        ...

    def record(self, run: Callable[[], None]) -> Callable[[], None]:
        """Capture the kernels that ``run`` launches, and return a function that executes them."""
        ...


def captured(
    step: CapturedStep,
    inputs: Sequence[Tensor],
    state: Iterable[Tensor],
    optimizer: Optimizer,
    device: torch.device,
    *,
    warmup: int = 3,
    backend: Backend | None = None,
) -> CapturedStep:
    """Capture a training step as a CUDA graph.

    Warm-up steps have no lasting effect: ``state`` and the optimizer's moments are restored, and moments
    that did not exist before are set to zero.

    Args:
        step: A whole training step: forward and backward passes, and ``optimizer.step()``.
        inputs: A batch, for the shapes. A smaller last batch of an epoch needs a graph of its own.
        state: The tensors that a step changes, weights and buffers, beside the optimizer's moments.
        optimizer: The optimizer that ``step`` calls.
        device: Where the step runs.
        warmup: The number of steps before the capture; at least one, because the first step of an
            optimizer does what must not be repeated, such as starting momentum at the gradient.
        backend: Captures and replays; by default CUDA graphs.

    Returns:
        A function that does what ``step`` does; ``step`` itself if ``device`` has no CUDA graphs. It
        raises ValueError for inputs of another shape or type.

    Raises:
        ValueError: If ``warmup`` is below 1.
    """
    if warmup < 1:
        raise ValueError(f"warmup: {warmup} is out of bounds (allowed: 1 and more)")
    if not has_cuda_graphs(device):
        return step
    backend = backend or CudaGraphs(device)
    make_capturable(optimizer)
    buffers = [x.clone() for x in inputs]

    def run() -> None:
        step(*buffers)

    restore = snapshot(state, optimizer)
    for _ in range(warmup):
        backend.aside(run)
    restore()
    optimizer.zero_grad(set_to_none=True)  # so that gradients are allocated during the capture
    replay = backend.record(run)

    def replayed(*inputs: Tensor) -> None:
        _copy(inputs, buffers)
        replay()

    return replayed


def has_cuda_graphs(device: torch.device) -> bool:
    """Return whether ``device`` supports CUDA graphs."""
    return device.type == "cuda"


def make_capturable(optimizer: Optimizer) -> None:
    """Let an optimizer, before its first step, keep its count of steps on the device."""
    for group in optimizer.param_groups:
        if "capturable" in group:  # sgd does not count steps
            group["capturable"] = True


def snapshot(state: Iterable[Tensor], optimizer: Optimizer) -> Callable[[], None]:
    """Return a function that restores ``state`` and the optimizer's moments, in place.

    It sets moments that do not exist yet to zero, which is how all of torch's optimizers begin.
    """
    tensors = list(state)
    before = [(tensor, tensor.detach().clone()) for tensor in (*tensors, *_moments(optimizer))]

    def restore() -> None:
        known = {id(tensor) for tensor, _ in before}
        with torch.no_grad():
            for tensor, value in before:
                tensor.copy_(value)
            for tensor in _moments(optimizer):
                if id(tensor) not in known:
                    tensor.zero_()

    return restore


def _moments(optimizer: Optimizer) -> list[Tensor]:
    return [
        value
        for moments in optimizer.state.values()
        for value in moments.values()
        if isinstance(value, Tensor)
    ]


def _copy(inputs: Sequence[Tensor], buffers: Sequence[Tensor]) -> None:
    expected = [(tuple(buffer.shape), buffer.dtype) for buffer in buffers]
    got = [(tuple(x.shape), x.dtype) for x in inputs]
    if got != expected:
        raise ValueError(f"the step was recorded for inputs {expected}, got {got}")
    for buffer, x in zip(buffers, inputs, strict=True):
        buffer.copy_(x, non_blocking=True)


class CudaGraphs:
    """Warms up and captures on one side stream of ``device``."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # Types of torch do not cover the constructor of a stream.
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def aside(self, run: Callable[[], None]) -> None:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            run()
        current.wait_stream(self._stream)

    def record(self, run: Callable[[], None]) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device), torch.cuda.graph(graph, stream=self._stream):
            run()
        replay: Callable[[], None] = graph.replay
        return replay
