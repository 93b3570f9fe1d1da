"""Distillation for membership privacy: Shejwalkar, Houmansadr 2021, arXiv 1906.06589.

A teacher is trained on the private records. The target is a student that is trained on reference
records with the teacher's outputs as soft labels, and on no private record. The student learns less
about the teacher's members the smoother these outputs are, and the lower their entropy (section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask
from privbench.mechanisms.probabilities import entropy, softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from privbench.engine import Batch, Population


class Distillation(TrainingMechanism):
    """Trains a student on outputs of a teacher (DMP)."""

    name: ClassVar[str] = "distillation"
    paper: ClassVar[str] = "Shejwalkar, Houmansadr 2021, arXiv 1906.06589"

    temperature: float = Field(
        2.0, gt=0, description="temperature of the teacher's outputs: higher is smoother"
    )
    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the reference records to use: those on which the teacher is surest",
    )

    def train_population(self, task: TrainingTask) -> Population:
        """Train all teachers at once, then all students."""
        import numpy as np

        from privbench.engine import TrainingSets

        teachers = task.subtask(0, 2).train()
        reference = task.reference
        outputs = softmax(teachers.predict(reference.x) / self.temperature)
        n_used = max(1, round(self.share * len(reference)))
        order = np.argsort(entropy(outputs), axis=1, kind="stable")
        index = np.sort(order[:, :n_used], axis=1)
        targets = np.take_along_axis(outputs, index[..., None], axis=1)
        sets = TrainingSets.shared(reference.x, reference.y, index).adding(targets=targets)
        return task.subtask(1, 2).train(loss=soft_cross_entropy, sets=sets)


def soft_cross_entropy(forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Return the cross-entropy (batch,) to soft labels ``batch.targets`` (batch, classes)."""
    assert batch.targets is not None
    log_p = forward(batch.x).float().log_softmax(-1)
    return -(batch.targets * log_p).sum(-1)
