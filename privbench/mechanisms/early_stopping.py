"""Early stopping: less fitting of the training records, and so less to see (Song, Mittal 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from privbench.mechanisms.base import TrainingMechanism, TrainingTask

if TYPE_CHECKING:
    from privbench.engine import Population


class EarlyStopping(TrainingMechanism):
    """Keeps the weights of the epoch with the smallest loss on the reference records."""

    name: ClassVar[str] = "early-stopping"
    paper: ClassVar[str] = "Song, Mittal 2021, arXiv 2003.10595, section 5.1.2"

    patience: int = Field(
        2, ge=1, description="epochs without a smaller loss after which training stops"
    )

    def train_population(self, task: TrainingTask) -> Population:
        """Train with the engine's loop."""
        from privbench.engine import Validation

        reference = task.reference
        return task.train(validation=Validation(reference.x, reference.y, self.patience))
