"""CUDA graphs: a training step of many small operations, launched as one.

A step of small models launches hundreds of kernels that take less time than their launches. Recorded
once and replayed, they follow each other without the CPU. The way of PyTorch's notes on CUDA semantics
(whole network capture): warm up on a side stream, record on the same stream, then copy each batch to
where the recorded kernels read it.

Only for steps without random numbers of their own and without a look at values on the CPU: a replay
repeats kernels, not Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

Step = Callable[..., None]


class Backend(Protocol):
    """What records and replays."""

    def aside(self, run: Callable[[], None]) -> None:
        """Run it on the stream that will record, in order with the current stream."""
        ...

    def record(self, run: Callable[[], None]) -> Callable[[], None]:
        """Record what it launches, without executing it. Returns what executes it."""
        ...


def captured(
    step: Step,
    inputs: Sequence[Tensor],
    state: Iterable[Tensor],
    optimizer: Optimizer,
    device: torch.device,
    *,
    warmup: int = 3,
    backend: Backend | None = None,
) -> Step:
    """What does the same as ``step(*inputs)``, from a recording on CUDA; ``step`` itself elsewhere.

    ``step`` is a whole training step: forward, backward, ``optimizer.step()``. ``inputs`` are a batch to
    learn the shapes from; all batches must have them, so the last one of an epoch needs a recording of
    its own. ``state`` is what a step changes beside the optimizer's moments: weights and buffers.
    Warm-up steps change nothing: what was there is put back, and moments that they brought into being
    are zero again. Raises ValueError on inputs of another shape or type, or without any warm-up: what a
    first step does, such as starting momentum at the gradient, must not be repeated.
    """
    if warmup < 1:
        raise ValueError(f"warmup: {warmup} is out of bounds (allowed: 1 and more)")
    if not worthwhile(device):
        return step
    backend = backend or CudaGraphs(device)
    make_capturable(optimizer)
    places = [x.clone() for x in inputs]

    def run() -> None:
        step(*places)

    restore = snapshot(state, optimizer)
    for _ in range(warmup):
        backend.aside(run)
    restore()
    optimizer.zero_grad(set_to_none=True)  # gradients shall be allocated while recording
    replay = backend.record(run)

    def replayed(*inputs: Tensor) -> None:
        _copy(inputs, places)
        replay()

    return replayed


def worthwhile(device: torch.device) -> bool:
    """Whether there are graphs on this device."""
    return device.type == "cuda"


def make_capturable(optimizer: Optimizer) -> None:
    """Let the optimizer keep its count of steps on the device; before its first step."""
    for group in optimizer.param_groups:
        if "capturable" in group:  # sgd has no count
            group["capturable"] = True


def snapshot(state: Iterable[Tensor], optimizer: Optimizer) -> Callable[[], None]:
    """What puts ``state`` and the optimizer's moments back, in place.

    Moments that did not exist are set to zero, which is how all of torch's optimizers begin.
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
        for one in optimizer.state.values()
        for value in one.values()
        if isinstance(value, Tensor)
    ]


def _copy(inputs: Sequence[Tensor], places: Sequence[Tensor]) -> None:
    wanted = [(tuple(place.shape), place.dtype) for place in places]
    got = [(tuple(x.shape), x.dtype) for x in inputs]
    if got != wanted:
        raise ValueError(f"the step was recorded for inputs {wanted}, got {got}")
    for place, x in zip(places, inputs, strict=True):
        place.copy_(x, non_blocking=True)


class CudaGraphs:
    """Records on one side stream of ``device``, the same for warming up and for recording."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
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
