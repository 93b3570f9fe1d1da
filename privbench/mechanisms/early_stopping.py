"""Early stopping, which Song, Mittal 2021 evaluate against membership inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from privbench.engine import Population


class EarlyStopping(TrainingMechanism):
    """Keeps the epoch with the lowest loss on reference records."""

    name: ClassVar[str] = "early-stopping"
    paper: ClassVar[str] = "Song, Mittal 2021, arXiv 2003.10595, section 5.1.2"

    patience: int = Field(
        2, ge=1, description="epochs without a lower loss after which training stops"
    )

    def train_population(self, task: TrainingTask) -> Population:
        """Train all models at once, each until its loss on reference records stops falling."""
        from privbench.engine import Validation

        reference = task.reference
        return task.train(validation=Validation(reference.x, reference.y, self.patience))
