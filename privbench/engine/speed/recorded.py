"""Gradient computations that are recorded once and replayed in each step.

``vmap``, ``functional_call`` and autograd cost about as much Python time per step as the matrix products
of a few small models, and Python runs in one thread at a time. A recorded step is the list of tensor
operations that they amount to, forward and backward, as a function of a batch and the weights.

Only steps that draw no random numbers can be recorded, of losses that are functions of their arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor, fx

from privbench.engine.speed.products import separate_results, use_faster_products
from privbench.engine.speed.simplify import simplify
from privbench.engine.speed.tracing import trace

Gradients: TypeAlias = Sequence[Tensor | list[Tensor] | None]
"""One entry per trained weight: stacked gradients (models, ...), or a list of one gradient per model,
or None for a weight that the loss does not depend on."""

Tensors: TypeAlias = Mapping[str, Tensor]
Compute: TypeAlias = Callable[[Tensors, Tensors], Sequence[Tensor | None]]
"""``compute(weights, batch)`` returns the gradients of a step; both arguments are stacked tensors."""


@dataclass(frozen=True)
class RecordedSteps:
    """Recorded steps, by phase and by the shape (models, batch) of the labels of a batch."""

    graphs: dict[tuple[int, torch.Size], fx.GraphModule] = field(default_factory=dict)

    def record(self, phase: int, compute: Compute, weights: Tensors, batch: Tensors) -> None:
        """Record ``compute(weights, batch)``, for batches of the shape of ``batch``."""
        fields, names = list(batch), list(weights)

        def step(*values: Tensor) -> Sequence[Tensor | None]:
            tensors = dict(zip(fields, values[: len(fields)], strict=True))
            return compute(dict(zip(names, values[len(fields) :], strict=True)), tensors)

        graph = trace(step, *batch.values(), *weights.values())
        simplify(graph)
        use_faster_products(graph)
        self.graphs[phase, batch["y"].shape] = graph

    def gradients(self, phase: int, weights: Tensors, batch: Tensors) -> Gradients | None:
        """Return the gradients of a step; None if no batch of this shape was recorded."""
        graph = self.graphs.get((phase, batch["y"].shape))
        if graph is None:
            return None
        with torch.no_grad():
            gradients: Gradients = graph.forward(*batch.values(), *weights.values())
        return gradients

    def separate(self, phase: int, n_weights: int) -> list[bool]:
        """Return for each trained weight whether its gradient may arrive as one tensor per model."""
        graphs = [graph for (number, _), graph in self.graphs.items() if number == phase]
        by_graph = [separate_results(graph) for graph in graphs]
        return [any(flags) for flags in zip(*by_graph, strict=True)] or [False] * n_weights
