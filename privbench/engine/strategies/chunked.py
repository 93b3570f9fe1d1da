"""Train a population chunk by chunk, in parallel or in turn, and concatenate the chunks.

Plain training, DP-SGD and loops written by the caller differ in how the models of one chunk are trained
(``ChunkTrainer``). Everything around that is here, once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from privbench.engine.core.population import Build, Population, build_seeded
from privbench.engine.core.randomness import seeded
from privbench.engine.core.sets import TrainingSets
from privbench.engine.processes.chunks import cut, side_by_side, spread, train_chunks
from privbench.engine.processes.threads import is_small, one_torch_thread, workers_for
from privbench.engine.processes.ticker import Ticker
from privbench.engine.strategies.schedule import Schedule

log = logging.getLogger(__name__)


class ChunkTrainer(Protocol):
    """Trains the models of one chunk."""

    def record(self, sizes: Collection[int]) -> None:
        """Record the steps of chunks of these sizes."""
        ...

    def train(self, models: range) -> Population:
        """Train some models of the population. Raises Diverged if weights are not finite."""
        ...


@dataclass(frozen=True)
class OneByOne:
    """Trains the models of a chunk one after another."""

    build: Build
    train_one: Callable[[int], tuple[nn.Module, Mapping[str, float]]]
    """Returns the trained module, and what is known of its training."""

    def record(self, sizes: Collection[int]) -> None:
        """Record nothing: these models are trained by plain PyTorch."""

    def train(self, models: range) -> Population:
        """Train each model and stack their weights."""
        modules, known = zip(*(self.train_one(i) for i in models), strict=True)
        if any(facts.keys() != known[0].keys() for facts in known):
            raise ValueError(
                f"models have facts of different names: {sorted({tuple(facts) for facts in known})}"
            )
        facts = {
            name: torch.tensor([facts[name] for facts in known], dtype=torch.float64)
            for name in known[0]
        }
        return replace(Population.of(self.build, modules), facts=facts)


def train_in_chunks(
    trainer: ChunkTrainer,
    build: Build,
    seeds: Sequence[int],
    device: torch.device,
    schedule: Schedule,
    tick: Ticker,
    *,
    chunk: int | None = None,
) -> Population:
    """Train one model per seed, as scheduled.

    ``chunk`` overrides the number of models that a batched schedule trains at once. Raises what
    ``trainer`` raises.
    """
    n_models = len(seeds)
    workers = workers_for(device) if schedule.parallel else 1
    if chunk and schedule.strategy == "batched":
        chunks = cut(n_models, chunk)
    else:
        sides = side_by_side(n_models) if schedule.parallel else 1
        chunks = spread(n_models, schedule.chunk, sides)
    log.debug("%d models, %s", n_models, schedule)
    log.debug("in chunks of %d, %d side by side", len(chunks[0]), min(workers, len(chunks)))
    if schedule.recorded:
        with one_torch_thread():  # several would wait for each other, see ``processes.chunks``
            trainer.record({len(models) for models in chunks})
    alone = device.type == "cpu" and is_small(build_seeded(build, seeds[0]))
    with seeded(seeds[0], device), one_torch_thread() if alone else nullcontext():
        parts = train_chunks(build, chunks, workers, trainer.train, tick, fork=schedule.fork)
    return _concatenate(parts)


def check_seeds(sets: TrainingSets, seeds: Sequence[int]) -> None:
    """Raise ValueError unless there is a seed for each training set."""
    if len(seeds) != sets.n_models:
        raise ValueError(f"{len(seeds)} seeds for the training sets of {sets.n_models} models")


def _concatenate(parts: Sequence[Population]) -> Population:
    if len(parts) == 1:
        return parts[0]

    def joined(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: torch.cat([part[name] for part in weights]) for name in weights[0]}

    params, buffers, facts = (
        joined(weights)
        for weights in (
            [p.params for p in parts],
            [p.buffers for p in parts],
            [p.facts for p in parts],
        )
    )
    return Population(parts[0].build, params, buffers, facts)
