"""Data-free distillation: Fang et al. 2019, "Data-Free Adversarial Distillation", arXiv 1912.11006.

A teacher is trained on the private records. The target is a student that sees no record, private or
public: it learns to answer like the teacher on records that a generator makes up. Generator and student
play against each other. In each step

1. the student takes ``student_steps`` updates that bring its logits closer to the teacher's, in L1;
2. the generator takes one that makes records on which they differ more.

As a defense it is distillation without reference records (see `distillation`). The student learns of a
member only what the teacher's answers elsewhere give away.

This follows descriptions of the method by others. Deviations that we know of:

- The generator is a multilayer perceptron without batch normalisation, so that it makes tables, too.
- The student is trained by Adam, with a constant learning rate. Each of its updates in a step has
  moments of its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from privbench.engine import Batch, Loss, Phase, Population, Recipe, TrainingSets

STEPS_AT_ONCE = 8
"""Largest number of steps whose noise is drawn at once."""


class DataFreeDistillation(TrainingMechanism):
    """Trains a student on a teacher's answers to generated records (DFKD)."""

    name: ClassVar[str] = "data-free-distillation"
    paper: ClassVar[str] = "Fang et al. 2019, arXiv 1912.11006"

    steps: int = Field(3000, ge=1, description="updates of the generator")
    student_steps: int = Field(
        5, ge=1, le=100, description="updates of the student per update of the generator"
    )
    batch_size: int = Field(64, ge=1, description="generated records per update")
    lr: float = Field(1e-3, gt=0, description="learning rate of Adam for the student")
    generator_lr: float = Field(1e-3, gt=0, description="learning rate of Adam for the generator")
    latent_dim: int = Field(32, ge=1, description="numbers that the generator makes a record of")
    hidden: int = Field(256, ge=1, description="units of the generator's hidden layer")

    def train_population(self, task: TrainingTask) -> Population:
        """Train all teachers at once, then all students with their generators."""
        from privbench.engine import Population, build_seeded, normal
        from privbench.mechanisms.distiller import Distiller

        teachers = task.subtask(0, 2).train()
        students = task.subtask(1, 2)

        def build() -> Distiller:
            parts = task.build(), task.build()
            return Distiller(*parts, task.spec, self.latent_dim, self.hidden)

        start = Population.of(build, [build_seeded(build, seed) for seed in students.seeds])
        trained = students.train(
            build=build,
            sets=self._no_records(task),
            recipe=self._recipe(self.lr),
            loss=self._phases(),
            random_inputs=normal(self.latent_dim * (self.student_steps + 1)),
            start=start.replacing("teacher", teachers),
        )
        return trained.submodule("student", task.build)

    def _recipe(self, lr: float) -> Recipe:
        from privbench.engine import Recipe

        epochs = self.steps // self._steps_at_once
        return Recipe("adam", lr, 0.0, 0.0, epochs, self.batch_size)

    @property
    def _steps_at_once(self) -> int:
        return math.gcd(self.steps, STEPS_AT_ONCE)

    def _no_records(self, task: TrainingTask) -> TrainingSets:
        """Return training sets of a record of zeros, which no phase looks at, for each generated one."""
        import torch

        from privbench.engine import TrainingSets

        x, y = torch.zeros((1, *task.spec.shape)), torch.zeros(1, dtype=torch.int64)
        shape = len(task.seeds), self._steps_at_once * self.batch_size
        return TrainingSets.shared(x, y, torch.zeros(shape, dtype=torch.int64))

    def _phases(self) -> list[Phase]:
        """Return the updates of the student, and that of the generator, each with noise of its own."""
        from privbench.engine import Phase

        def distance(number: int, sign: float) -> Loss:
            def loss(forward: Callable[[Tensor], tuple[Tensor, Tensor]], batch: Batch) -> Tensor:
                assert batch.random_inputs is not None
                noise = batch.random_inputs[:, number * self.latent_dim :][:, : self.latent_dim]
                return sign * logit_distance(*forward(noise))

            return loss

        k = self.student_steps
        student = [Phase(distance(number, 1.0), "student.") for number in range(k)]
        generator = Phase(distance(k, -1.0), "generator.", self._recipe(self.generator_lr))
        return [*student, generator]


def logit_distance(teacher: Tensor, student: Tensor) -> Tensor:
    """Return the mean absolute difference (batch,) of logits (batch, classes)."""
    return (teacher - student).float().abs().mean(-1)
