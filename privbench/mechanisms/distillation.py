"""Distillation for membership privacy: Shejwalkar, Houmansadr 2021, arXiv 1906.06589.

A teacher is trained on the private records; what is released is a student that has learned the
teacher's answers to reference records, and never met a private one. The smoother the answers and the
surer the teacher is of the records, the less the student learns of the teacher's members (section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from privbench.engine import Batch, Population


class Distillation(TrainingMechanism):
    """Releases a student of the model, taught on reference records (DMP)."""

    name: ClassVar[str] = "distillation"
    paper: ClassVar[str] = "Shejwalkar, Houmansadr 2021, arXiv 1906.06589"

    temperature: float = Field(
        2.0, gt=0, description="of the teacher's answers: higher is smoother"
    )
    share: float = Field(
        1.0, gt=0, le=1, description="of the reference records, those that the teacher is surest of"
    )

    def train_population(self, task: TrainingTask) -> Population:
        """Teachers, then students, each population at once by the engine."""
        import numpy as np

        from privbench.engine import TrainingSets

        teachers = task.part(0, 2).train()
        reference = task.reference
        answers = softmax(teachers.predict(reference.x) / self.temperature)
        kept = max(1, round(self.share * len(reference)))
        surest = np.sort(np.argsort(entropy(answers), axis=1, kind="stable")[:, :kept], axis=1)
        targets = np.take_along_axis(answers, surest[..., None], axis=1)
        sets = TrainingSets.shared(reference.x, reference.y, surest).adding(targets=targets)
        return task.part(1, 2).train(loss=to_targets, sets=sets)


def to_targets(forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Cross-entropy per example (batch,) to the probabilities ``batch.targets`` (batch, classes)."""
    assert batch.targets is not None
    log_p = forward(batch.x).float().log_softmax(-1)
    return -(batch.targets * log_p).sum(-1)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Probabilities (..., classes)."""
    import numpy as np

    powers = np.exp(logits - logits.max(-1, keepdims=True))
    result: NDArray[np.float32] = (powers / powers.sum(-1, keepdims=True)).astype(np.float32)
    return result


def entropy(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """In nats, (...,) of probabilities (..., classes)."""
    import numpy as np

    result: NDArray[np.floating] = -(probabilities * np.log(np.maximum(probabilities, 1e-30))).sum(
        -1
    )
    return result
