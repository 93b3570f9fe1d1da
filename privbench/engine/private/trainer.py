"""Train the models of one chunk with DP-SGD."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from privbench.engine.core.divergence import check_finite
from privbench.engine.core.job import Gather, TrainingJob
from privbench.engine.core.loss import Batch
from privbench.engine.core.population import Population
from privbench.engine.private.clipping import ClippedSums
from privbench.engine.private.gradient_noise import GradientNoise
from privbench.engine.private.steps import PrivateSteps
from privbench.engine.processes.chunks import side_by_side
from privbench.engine.processes.workers import can_fork
from privbench.engine.speed.recorded import RecordedSteps, Tensors
from privbench.engine.strategies.schedule import Schedule, Strategy, largest_chunk
from privbench.engine.strategies.update import StackedUpdate

MIN_STEPS_TO_RECORD = 100
"""Steps from which they are recorded.

It takes some hundredths of a second and would pay from fewer steps on. The number stays what it was
because the weights of recorded steps may differ in their last bits.
"""
STEPS_COUNTED = 100
"""In about this many steps of a training it is counted how many gradients are clipped."""
CLIPPED_SHARE = "clipped_share"
"""The fact of a population that says which share of the examples' gradients was clipped."""


@dataclass(frozen=True)
class PrivateTrainer:
    """Trains the models of a chunk with DP-SGD. The job has one phase."""

    job: TrainingJob
    parameters: PrivateSteps
    stacked: bool
    """Whether several models are trained as one computation, or a chunk is one model."""
    copies: int | None = None
    """How many augmented copies of each example there are; None without augmentation."""
    recorded: RecordedSteps = field(default_factory=RecordedSteps)

    def schedule(self, memory: int) -> Schedule:
        """Return how the job is run within ``memory`` bytes."""
        device, fork = self.job.device, can_fork(self.job.device)
        recorded = self.parameters.steps >= MIN_STEPS_TO_RECORD
        if not self.stacked:
            strategy: Strategy = "processes" if fork else "sequential"
            why = "stacking is slow, DP-SGD trains one model at a time"
            return Schedule(strategy, 1, why, parallel=True, fork=fork, recorded=recorded)
        module, population = self.job.start_of(range(1))
        sums = self._clipped_sums(module, population)
        record_size = self.job.sets.flat()[0][:1].numel()
        outputs = sum(int(np.prod(layer.shape)) for layer in sums.layers)
        inputs_and_outputs = 2 * outputs + (len(sums.layers) + 1) * record_size
        gradients = sum(population.params[name].numel() for name in sums.untapped)
        longest = max(self.parameters.lengths(self.job.sets.m)) * (self.copies or 1)
        size, why = largest_chunk(
            module,
            len(self.job.seeds),
            device,
            copies=self.job.recipe.copies + 1,
            activations=4 * longest * (inputs_and_outputs + gradients),
            memory=memory,
            workers=side_by_side(len(self.job.seeds)),
        )
        return Schedule("batched", size, why, parallel=True, fork=fork, recorded=recorded)

    def record(self, sizes: Collection[int]) -> None:
        """Record the steps of chunks of these sizes, for each length to which batches are padded."""
        x, y = self.job.sets.flat()
        for size in sizes:
            module, population = self.job.start_of(range(size))
            sums = self._clipped_sums(module, population)
            for length in self.parameters.lengths(self.job.sets.m):
                rows = torch.zeros((size, length), dtype=torch.int64, device=self.job.device)
                is_example = rows == 0
                batch = {"x": Gather()(x, rows), "y": y[rows], "is_example": is_example}
                if self.copies is not None:
                    batch["x"] = self._augmented(batch["x"], is_example, ())
                drawn = self.job.some_random_inputs(range(size), length)
                if drawn is not None:
                    batch["random_inputs"] = drawn
                weights = population.stacked_weights()
                self.recorded.record(0, self._mean_gradients(sums), weights, batch)

    def train(self, models: range) -> Population:
        """Train some models. Raises Diverged if weights are not finite at the end."""
        module, population = self.job.start_of(models)
        weights = population.stacked_weights()
        sums = self._clipped_sums(module, population)
        mean_gradients = self._mean_gradients(sums)
        trained = [weights[name] for name in sums.names]
        separate = self.recorded.separate(0, len(trained) + 1)[:-1]
        update = StackedUpdate(trained, separate, self.job.recipe)
        rngs = [np.random.default_rng([self.job.seeds[i], 3]) for i in models]
        sd = self.parameters.noise_multiplier * self.parameters.max_grad_norm / self._expected_size
        shapes = [weight.shape[1:] for weight in trained]
        noise = GradientNoise(rngs, sd, shapes, self.job.device)
        counts = torch.zeros((2, len(models)), device=self.job.device)  # clipped ones and all
        every = 1 + self.parameters.steps // STEPS_COUNTED
        for step, batch in enumerate(self._batches(models, rngs)):
            replayed = self.recorded.gradients(0, weights, batch)
            results = mean_gradients(weights, batch) if replayed is None else replayed
            *gradients, clipping = results
            if step % every == 0:
                counts += _count_clipped(clipping, batch["is_example"])
            noise.add_to([g for g in gradients if g is not None])  # clipped sums are never None
            update(gradients)
            self.job.tick(len(models))
        check_finite(population.params.values(), models, lr=self.job.recipe.lr)
        share = counts[0] / counts[1].clamp(min=1)
        return replace(population, facts={CLIPPED_SHARE: share})

    @property
    def _expected_size(self) -> float:
        return self.parameters.sample_rate * self.job.sets.m

    def _clipped_sums(self, module: nn.Module, population: Population) -> ClippedSums:
        x, y = (tensor[:1] for tensor in self.job.sets.flat())
        drawn = self.job.some_random_inputs(range(1), 1)
        if self.copies is not None:
            x = self._augmented(x[None], torch.ones_like(y[None]) > 0, ())[0]
        example = Batch(x, y, torch.tensor(0), None if drawn is None else drawn[0])
        loss = self.job.phases[0].loss
        return ClippedSums(
            module, population, example, stacked=self.stacked, loss=loss, copies=self.copies
        )

    def _mean_gradients(self, sums: ClippedSums) -> Callable[[Tensors, Tensors], list[Tensor]]:
        """Return the mean clipped gradients, and clipping, as a function of weights and a batch."""

        def compute(weights: Tensors, batch: Tensors) -> list[Tensor]:
            scale = 1 / self._expected_size
            return sums.with_clipping(weights, batch, self.parameters.max_grad_norm, scale)

        return compute

    def _batches(
        self, models: range, rngs: Sequence[np.random.Generator]
    ) -> Iterator[dict[str, Tensor]]:
        """Yield the padded batch of each step, as ``ClippedSums`` takes it."""
        x, y = self.job.sets.flat()
        gather, draws = Gather(), self.job.draws(models)
        for _ in range(self.parameters.steps):
            drawn = self.parameters.poisson_batches(self.job.sets.m, rngs)
            positions, is_example = (tensor.to(self.job.device) for tensor in drawn)
            rows = self.job.sets.rows(models).gather(1, positions)
            batch = {"x": gather(x, rows), "y": y[rows], "is_example": is_example}
            if self.copies is not None:
                batch["x"] = self._augmented(batch["x"], is_example, rngs)
            if self.job.random_inputs is not None:
                inputs = draws.random_inputs(self.job.random_inputs, rows.shape[1])
                batch["random_inputs"] = inputs.to(self.job.device)
            yield batch

    def _augmented(
        self, x: Tensor, is_example: Tensor, rngs: Sequence[np.random.Generator]
    ) -> Tensor:
        """Return augmented copies (models, batch, copies, *shape) of a batch (models, batch, *shape).

        Each model draws for its own examples only, whatever the padding, from its generator; without
        generators nothing is drawn.
        """
        augment, copies = self.job.augment, self.copies
        assert augment is not None  # see ``train_privately``
        assert copies is not None
        uniform = np.zeros((*is_example.shape, copies, augment.draws), np.float32)
        for row, rng, count in zip(uniform, rngs, is_example.sum(1).tolist(), strict=False):
            row[:count] = rng.random((count, copies, augment.draws), dtype=np.float32)
        repeated = x.unsqueeze(2).expand(*x.shape[:2], copies, *x.shape[2:])
        return augment(repeated, torch.from_numpy(uniform).to(x.device))


def _count_clipped(clipping: object, is_example: Tensor) -> Tensor:
    """Return how many examples of each model were clipped, and how many there are (2, models)."""
    assert isinstance(clipping, Tensor)  # it is no product of matrices, see ``separate_results``
    clipped = (clipping < 1) & is_example
    return torch.stack([clipped.sum(1), is_example.sum(1)])
